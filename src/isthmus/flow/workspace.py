"""A workspace: one folder with its settings, its sites, its landing, its lake and its records."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from shlex import quote
from typing import Any

import orjson

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError, PackError, UsageError
from isthmus.intake.formats import READERS
from isthmus.lake.lake import Lake
from isthmus.mapping import pack as packs
from isthmus.mapping.pack import Pack
from isthmus.records.decisions import Decisions
from isthmus.records.store import Records

SETTINGS = "isthmus.toml"
OF_SITE, OF_FEED = ("title", "automatic", "worse", "conditions", "feed"), ("name", "from", "pack")
PASSWORD = re.compile(r"^([^/@]*://[^/@:]*:)[^@]*@")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Feed:
    """One system's export at a site: the folder (or the database) it appears in, and the pack that reads it."""

    name: str
    source: str
    pack: str

    @property
    def shown(self) -> str:
        """The source as it may be printed: without the password of a database."""
        return PASSWORD.sub(r"\1***@", self.source)


@dataclass(frozen=True, slots=True)
class Site:
    """A hospital, clinic or laboratory.

    `automatic`: the measured certainty from which ingest maps its open codes without a person; None: it never does.
    `worse`: by how many per cent points the wrong rows of any check may grow before no edition is published with them;
    None: by any. `conditions`: under which its data may be used, as the table [conditions] has them.
    """

    name: str
    title: str
    feeds: Sequence[Feed]
    automatic: float | None = None
    worse: float | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)


class Workspace:
    """An opened workspace. Raises InputError when the folder is not one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            settings = tomllib.loads((root / SETTINGS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(
                f"{root} is not a workspace (no {SETTINGS} in it). Make one with `isthmus init {quote(str(root))}`."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{root / SETTINGS} cannot be read: {error}. Correct the line or restore the file."
            ) from None
        self.settings: Mapping[str, Any] = settings
        self.lake = Lake(root / "lake", landing=root / "landing", memory=str(settings.get("memory", "900MB")))
        self.records = Records(str(settings.get("records", f"sqlite:///{(root / 'records.db').resolve()}")))
        self.decisions = Decisions(self.records)

    @property
    def synthetic(self) -> bool:
        """Whether all its patients are invented."""
        return bool(self.settings.get("synthetic", False))

    @property
    def targets(self) -> Mapping[str, str]:
        """By domain, the one vocabulary whose concepts codes are mapped to; a domain that is absent takes any."""
        said = self.settings.get("targets", {})
        if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
            raise InputError(
                f'{self.root / SETTINGS}: [targets] names for each domain one vocabulary, as Procedure = "ICD9Proc". '
                "Correct it."
            )
        return said

    def sites(self) -> list[Site]:
        """The registered sites, by name."""
        return [self.site(path.stem) for path in sorted((self.root / "sites").glob("*.toml"))]

    def has_site(self, name: str) -> bool:
        """Whether a site is registered."""
        return (self.root / "sites" / f"{name}.toml").is_file()

    def site(self, name: str) -> Site:
        """One site. Raises InputError when it is not registered."""
        path = self.root / "sites" / f"{name}.toml"
        try:
            body = tomllib.loads(path.read_text(encoding="utf-8"))
            _demand_known(body)
            feeds = tuple(Feed(one["name"], one["from"], one["pack"]) for one in body.get("feed", ()))
            return Site(
                name, body.get("title", name), feeds, _share(body.get("automatic")), _points(body.get("worse")),
                dict(body.get("conditions", {})),
            )  # fmt: skip
        except FileNotFoundError:
            raise InputError(
                f"there is no site '{name}' here. Add it: `isthmus site add {quote(str(self.root))} {name} --from DIR`."
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"sites/{name}.toml cannot be read: {error}. Each [[feed]] needs name, from and pack."
            ) from None

    def keep_site(self, site: Site) -> None:
        """Register a site, or write its changed settings."""
        if not NAME.fullmatch(site.name):
            raise UsageError(
                f"'{site.name}' cannot name a site. Use 1 to 63 of a-z, 0-9, '-', '_'; the full name goes into --title."
            )
        lines = [f"title = {_quoted(site.title)}"]
        if site.automatic is not None:
            lines.append(f"automatic = {site.automatic}")
        if site.worse is not None:
            lines.append(f"worse = {site.worse}")
        if site.conditions:
            lines += ["", "[conditions]", *(f"{name} = {_toml(value)}" for name, value in site.conditions.items())]
        for feed in site.feeds:
            lines += [
                "",
                "[[feed]]",
                f"name = {_quoted(feed.name)}",
                f"from = {_quoted(feed.source)}",
                f"pack = {_quoted(feed.pack)}",
            ]
        with replaced(self.root / "sites" / f"{site.name}.toml") as stream:
            stream.write(("\n".join(lines) + "\n").encode())

    def pack(self, name: str) -> Pack:
        """A pack, looked up in the workspace's own `packs/` first. Raises PackError, also for an unknown format."""
        pack = packs.load(name, (self.root / "packs",))
        for kind in {str(one.get("kind", "csv")) for one in (pack.format, *(record.format for record in pack.records))}:
            if kind not in READERS:
                raise PackError(f"{pack.name}: no reader knows the format '{kind}'. Known: {', '.join(READERS)}.")
        return pack

    def archive(self, pack: Pack) -> None:
        """Keep the pack's files as they are now, so that its mapping can be repeated later."""
        for name, content in pack.files.items():
            path = self.root / "mappings" / pack.digest / name
            if not path.exists():
                with replaced(path) as stream:
                    stream.write(content)

    def archived(self, digest: str, name: str) -> Pack:
        """A pack as it was when this digest was taken.

        Raises InputError when it is not kept, IntegrityError when it was altered since.
        """
        folder = self.root / "mappings" / digest
        if not folder.is_dir():
            raise InputError(
                f"mapping {digest[:12]} of pack '{name}' is not in {folder.parent}. Restore it from a backup."
            )
        # Found by its content: its folder may have another name than the pack, and a pack it extends lies beside it.
        for head in sorted(folder.glob("*/pack.yaml")):
            found = packs.load(head.parent.name, (folder,))
            if found.digest == digest:
                return found
        raise IntegrityError(
            f"mapping {digest[:12]} of pack '{name}' in {folder.parent} is not what was kept. Restore it from a backup."
        )


def create(root: Path, *, synthetic: bool = False) -> Workspace:
    """Make a new workspace in an empty or absent folder. Raises UsageError when something is there already."""
    if (root / SETTINGS).exists():
        raise UsageError(f"{root} is a workspace already. Use it, or name another folder.")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not an empty folder. Name a new one.")
    try:
        for folder in ("sites", "packs", "landing", "lake"):
            (root / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{root} cannot be made: {error.strerror}.") from None
    with replaced(root / SETTINGS) as stream:
        stream.write(
            b"# Settings of this workspace; see docs/reference/workspace.md\n"
            b"# Whether every patient in it is invented. Only such a workspace may be read without a grant.\n"
            b"synthetic = " + (b"true" if synthetic else b"false") + b"\n"
            b"# Memory that the engine may use before it goes to disk.\n"
            b'memory = "900MB"\n'
        )
    return Workspace(root)


def _share(told: Any) -> float | None:
    """The setting `automatic` of a site."""
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0.5 < told < 1:
        raise ValueError("automatic must be a share between 0.5 and 1, as 0.99")
    return float(told)


def _demand_known(body: Mapping[str, Any]) -> None:
    """Raise ValueError for a setting that nobody reads: what stands in the wrong place would be left out in silence."""
    for feed in body.get("feed", ()):
        for name in feed:
            if name in OF_SITE:
                raise ValueError(
                    f"'{name}' stands below [[feed]], so it is the feed's. Write it before the first [[feed]]"
                )
            if name not in OF_FEED:
                raise ValueError(f"[[feed]] has no setting '{name}'; it has {', '.join(OF_FEED)}")
    for name in body:
        if name not in OF_SITE:
            raise ValueError(f"a site has no setting '{name}'; it has {', '.join(OF_SITE)}")


def _points(told: Any) -> float | None:
    """The setting `worse` of a site."""
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 <= told <= 100:
        raise ValueError("worse must be per cent points between 0 and 100, as 5")
    return float(told)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()  # a JSON string is a TOML basic string


def _toml(value: Any) -> str:
    """A value of [conditions]: text, a list of texts, a number or a day."""
    return value.isoformat() if isinstance(value, date) else orjson.dumps(value).decode()
