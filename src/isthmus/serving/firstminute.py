"""What a newcomer finds in a demonstration that is served: a delivery with a changed unit, people, and a request.

The hospital's laboratory sends one more file in which total bilirubin, so far in µmol/L, is in mmol/L: the numbers are
as they were. The site's settings allow its checks to get worse by 5 points, so that no edition is published with it.
"""

import re
import shutil
from datetime import timedelta
from pathlib import Path

from isthmus.base.clock import now
from isthmus.base.durable import replaced
from isthmus.base.progress import Progress
from isthmus.flow import sites, start
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import SETTINGS, Site, Workspace
from isthmus.gate.office import cases, people, written
from isthmus.gate.office.unit import Office
from isthmus.simulation import simulate

PASSWORD = "isthmus-demonstration"  # public: every patient behind it is invented
WORSE = 5.0
ITEM, TO = "总胆红素", "mmol/L"
UNIT = re.compile(r"^[uµμ]mol/l$", re.IGNORECASE)
NEW = "LIS_检验结果_新批次.csv"
COHORTS = Path(__file__).with_name("cohorts")
NAMES = ("Yunhe Central 云和", "Beiling University 北岭", "Donglan First 东澜", "Xilu Cancer Centre 西麓",
         "Nanpu People's 南浦", "Hedong 河东", "Qingyan 青岩", "Shuangqiao 双桥")  # fmt: skip
PEOPLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Lin Wei", ("committee",)), ("Chen Hua", ("committee",)), ("Patel", ("committee",)), ("Zhao Min", ("user",)),
    ("Gao Yun", ("steward",)), ("Wu Lei", ("checker",)), ("Ma Jun", ("checker",)), ("He Jing", ("auditor",)),
    ("Sun Tao", ("platform",)),
)  # fmt: skip
APPLICATION = {
    "summary": "Does resection give longer survival than TACE in intermediate liver cancer with good liver function?",
    "purpose": {"kinds": ["HMB"], "ethics": "2026-KY-0117"},
    "tables": {
        "person": ["person_id", "gender_concept_id", "year_of_birth"],
        "condition_occurrence": ["person_id", "condition_concept_id", "condition_start_date"],
        "visit_occurrence": ["person_id", "visit_concept_id", "visit_start_date", "visit_end_date"],
        "drug_exposure": ["person_id", "drug_concept_id", "drug_exposure_start_date", "drug_exposure_end_date"],
        "procedure_occurrence": ["person_id", "procedure_concept_id", "procedure_date"],
        "measurement": ["person_id", "measurement_concept_id", "measurement_date", "value_as_number",
        "unit_concept_id"],
        "death": ["person_id", "death_date"],
    },
    "release": "default", "grade": 3,
}  # fmt: skip


def begin(root: Path, *, hospitals: int, patients: int, seed: int, progress: Progress) -> Workspace:
    """Simulate hospitals, register them, and let people and a request be there; nothing is read yet.

    An earlier demonstration in the folder is replaced. Raises FileExistsError where something else is in it.
    """
    if (root / "workspace").exists() and not (root / "workspace" / SETTINGS).exists():
        raise FileExistsError(root)
    for name in ("simulated", "workspace", "registry"):
        shutil.rmtree(root / name, ignore_errors=True)
    summary = simulate(root / "simulated", sites=hospitals, patients=patients, seed=seed, progress=progress)
    workspace = start.new(root / "workspace", synthetic=True)
    names = dict(zip(sorted({feed.site for feed in summary.feeds}), NAMES, strict=False))
    for feed in sorted(summary.feeds, key=lambda one: one.site):
        source = str(root / "simulated" / "exports" / feed.site / feed.name)
        title = names.get(feed.site, feed.site)
        sites.add(workspace, sites.plan(workspace, feed.site, source, pack=feed.pack, feed=feed.name, title=title))
    with (workspace.root / SETTINGS).open("a", encoding="utf-8") as stream:
        stream.write(
            f'\n# The password of all its accounts, shown to everybody.\n[demonstration]\npassword = "{PASSWORD}"\n'
        )
    shutil.copytree(COHORTS, workspace.root / "cohorts")
    _people(workspace)
    return Workspace(workspace.root)


def go_on(workspace: Workspace, progress: Progress) -> None:
    """Read what was exported, publish an edition, then read the delivery that is held back."""
    ingest(workspace, progress=progress)
    site = _planted(workspace)
    if site is not None:
        workspace.keep_site(Site(site.name, site.title, site.feeds, site.automatic, WORSE, site.conditions))
        ingest(workspace, sites=[site.name], progress=progress)


def _people(workspace: Workspace) -> None:
    office = Office(workspace.root, workspace.records, workspace.settings)
    if office.accounts.all():
        return
    names = [site.name for site in workspace.sites()]
    with office.open():
        first = people.add(office, "Admin", ("administrator",), (), PASSWORD, by=None)
        made = {name: people.add(office, name, roles, names if "steward" in roles else (), PASSWORD, by=first)
                for name, roles in PEOPLE}  # fmt: skip
        body = {
            **APPLICATION,
            "sites": names,
            "people": ["Zhao Min"],
            "until": f"{now() + timedelta(days=180):%Y-%m-%d}",
        }
        case = cases.apply(office, made["Zhao Min"], written.plain(body))
        stated = {site.name: written.conditions(site.name, site.conditions) for site in workspace.sites()}
        held = cases.file(office, case)
        answers = {name: one.answer for name, one in cases.answers(held, stated).items()}
        cases.do(office, held, made["Sun Tao"], "match", {"answers": answers})
        if "person" in answers.values():
            asked = sorted(name for name, one in answers.items() if one == "person")
            body = {"sites": asked, "reason": "The purpose fits our patients' consent."}
            cases.do(office, cases.file(office, case), made["Gao Yun"], "clear", body)
        cases.do(
            office, cases.file(office, case), made["Chen Hua"], "vote", {"favour": True, "reason": "A clear question."}
        )


def _planted(workspace: Workspace) -> Site | None:
    """Write the delivery beside the export of the last site whose laboratory writes such files; the site, if any."""
    for site in reversed(workspace.sites()):
        for feed in site.feeds:
            folder = Path(feed.source)
            if feed.pack == "sim-lis" and folder.is_dir():
                lines = _lines(next(iter(sorted(folder.glob("*.csv")))))
                if lines is not None:
                    with replaced(folder / NEW) as stream:
                        stream.write(lines)
                    return site
    return None


def _lines(path: Path) -> bytes | None:
    """A file of results like this one, of total bilirubin alone, under new numbers and in another unit."""
    head, *rows = path.read_bytes().split(b"\n")
    names = head.decode("gb18030").strip().split(",")
    number, item, unit = names.index("JGXH"), names.index("JYXMMC"), names.index("DW")
    made = [head.strip()]
    for row in rows:
        cells = row.strip().decode("gb18030", errors="ignore").split(",")
        if len(cells) == len(names) and cells[item] == ITEM and UNIT.match(cells[unit]):
            cells[number], cells[unit] = f"N{cells[number]}", TO
            made.append(",".join(cells).encode("gb18030"))
    return b"\r\n".join(made) + b"\r\n" if len(made) > 20 else None
