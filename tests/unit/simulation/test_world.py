"""The exports: every dialect, the same bytes for the same seed, errors written down."""

import csv
import gzip
import hashlib
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from isthmus.base.errors import UsageError
from isthmus.base.progress import Silence
from isthmus.simulation import dirt, frontpage, simulate
from isthmus.simulation import world as worlds

FIRST_SITE = {
    "his": {
        "病人信息.csv", "就诊记录.csv", "诊断.csv", "药品医嘱.csv", "手术.csv", "肝癌分期评估.csv", "随访.csv",
        "病案首页.csv",
    },
    "lis": {"LIS_检验结果.csv"},
    "emr": {"病历文书.csv"},
    "vendor": {"hospital.db"},
    "hl7": {"adt.hl7", "oru.hl7", "rde.hl7", "ras.hl7"},
    "fhir": {
        "Patient.ndjson", "Encounter.ndjson", "Condition.ndjson", "Observation.ndjson.gz",
        "MedicationRequest.ndjson.gz", "Procedure.ndjson",
    },
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read(path: Path, encoding: str) -> list[list[str]]:
    text = path.read_bytes().decode(encoding, errors="replace")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True)))


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    made = []
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        simulate(tmp_path / name, sites=3, patients=300, seed=seed, progress=Silence())
        made.append(digests(tmp_path / name))
    assert made[0] == made[1]
    assert made[0].keys() == made[2].keys()
    assert all(made[0][path] != made[2][path] for path in made[0] if not path.endswith(("effect.json", "feed.parquet")))


def test_simulating_again_into_the_same_folder_replaces_what_was_there(tmp_path: Path) -> None:
    for _ in range(2):
        simulate(tmp_path, sites=2, patients=60, seed=4, progress=Silence())
    simulate(tmp_path / "fresh", sites=2, patients=60, seed=4, progress=Silence())
    assert digests(tmp_path / "exports") == digests(tmp_path / "fresh" / "exports")


def test_the_first_hospital_speaks_every_dialect(world: Path) -> None:
    found = {
        feed.name: {path.name for path in feed.iterdir()} for feed in sorted((world / "exports" / "h01").iterdir())
    }
    assert found == FIRST_SITE


def test_every_feed_names_its_pack_and_its_folder_is_there(world: Path) -> None:
    feeds = pq.read_table(world / "truth" / "feed.parquet").to_pylist()
    assert {feed["pack"] for feed in feeds} == {f"sim-{name}" for name in FIRST_SITE}
    assert all((world / "exports" / feed["folder"]).is_dir() for feed in feeds)


def test_a_system_that_has_nothing_to_tell_exports_an_empty_folder(tmp_path: Path) -> None:
    told = simulate(tmp_path, sites=40, patients=20, seed=2, progress=Silence())
    folders = [tmp_path / "exports" / feed.folder for feed in told.feeds]
    assert all(folder.is_dir() for folder in folders)
    assert not all(any(folder.iterdir()) for folder in folders)


def test_the_front_page_has_all_642_fields(world: Path) -> None:
    rows = read(world / "exports" / "h01" / "his" / "病案首页.csv", "gb18030")
    assert tuple(rows[0]) == frontpage.fields()
    assert len(rows[0]) == 642
    assert len(set(rows[0])) == 642
    widths = [len(row) for row in rows]
    assert widths.count(642) > 0.98 * len(rows)


def test_his_files_are_gb18030_and_hospitals_name_their_columns_differently(world: Path) -> None:
    headers = [read(world / "exports" / site / "his" / "诊断.csv", "gb18030")[0] for site in ("h01", "h02")]
    assert "诊断编码" in headers[0]
    assert "疾病编码" in headers[1]


def test_free_texts_hold_line_breaks_inside_one_field(world: Path) -> None:
    rows = read(world / "exports" / "h01" / "emr" / "病历文书.csv", "utf-8")
    notes = [row[5] for row in rows[1:] if len(row) == 6]
    assert notes
    assert all("\n" in note for note in notes)
    assert any('"近来体重无明显变化"' in note for note in notes)


def test_the_vendor_writes_a_database_with_integers_for_dates(world: Path) -> None:
    base = sqlite3.connect(world / "exports" / "h03" / "vendor" / "hospital.db")
    try:
        assert base.execute("SELECT count(*) FROM LAB").fetchone()[0] > 1000
        begin, end = base.execute("SELECT min(BEG_TM), max(BEG_TM) FROM VISIT").fetchone()
    finally:
        base.close()
    assert 201401010000 <= begin <= end <= 202412312359


def test_every_line_of_fhir_is_a_resource(world: Path) -> None:
    for path in sorted((world / "exports" / "h01" / "fhir").iterdir()):
        data = path.read_bytes()
        lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
        assert lines
        assert {orjson.loads(line)["resourceType"] for line in lines} == {path.name.split(".")[0]}


def test_hl7_files_are_batches_of_whole_messages(world: Path) -> None:
    for path in sorted((world / "exports" / "h01" / "hl7").iterdir()):
        segments = path.read_bytes().decode().split("\r")[:-1]
        assert [segments[0][:3], segments[1][:3], segments[-2][:3], segments[-1][:3]] == ["FHS", "BHS", "BTS", "FTS"]
        assert all(len(segment) > 3 and segment[3] == "|" for segment in segments)
        messages = [segment.split("|") for segment in segments if segment.startswith("MSH")]
        assert len({message[9] for message in messages}) == len(messages)


def test_every_kind_of_error_is_injected_and_written_down(world: Path) -> None:
    errors = pq.read_table(world / "truth" / "errors.parquet")
    kinds = set(errors["kind"].to_pylist())
    assert kinds == {*dirt.KINDS[1:], "missing-column"}
    assert set(errors["family"].to_pylist()) == set(dirt.FAMILIES_ONCE) - {""}


def lines_of(world: Path, file: str) -> Iterator[list[bytes]]:
    for site in ("h01", "h02", "h06"):
        yield (world / "exports" / site / "lis" / file).read_bytes().split(b"\n")


def test_what_is_written_down_is_in_the_files(world: Path) -> None:
    errors = pq.read_table(world / "truth" / "errors.parquet")
    here = errors.filter(pc.equal(errors["feed"], "lis"))
    count = {kind: pc.sum(pc.equal(here["kind"], kind)).as_py() for kind in dirt.KINDS[1:]}
    found = {"mojibake": 0, "impossible-date": 0, "ragged-line": 0, "exact-duplicate": 0}
    for lines in lines_of(world, "LIS_检验结果.csv"):
        found["mojibake"] += sum(b"\xff\xfe\xff" in line for line in lines)
        found["impossible-date"] += sum(b"2019-02-30" in line for line in lines)
        found["ragged-line"] += sum(line.count(b",") > lines[0].count(b",") for line in lines)
        found["exact-duplicate"] += len(lines) - len(set(lines))
    assert found == {kind: count[kind] for kind in found}


def test_wrong_units_lie_about_the_number_and_the_truth_keeps_what_was_meant(world: Path) -> None:
    events = pq.read_table(world / "truth" / "event.parquet")
    wrong = events.filter(pc.equal(events["error"].cast(pa.string()), "units"))
    ratio = pc.divide(wrong["value"], wrong["true_value"]).to_numpy()
    assert len(wrong) > 20
    assert ((ratio < 0.95) | (ratio > 1.05)).all()


@pytest.mark.parametrize(("sites", "patients", "seed"), [(0, 10, 1), (3, 0, 1), (1001, 10, 1), (3, 10, -1)])
def test_numbers_that_make_no_hospital_are_refused(tmp_path: Path, sites: int, patients: int, seed: int) -> None:
    with pytest.raises(UsageError, match="simulate needs"):
        simulate(tmp_path, sites=sites, patients=patients, seed=seed, progress=Silence())


def test_memory_does_not_grow_with_the_number_of_patients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds.chunks, "SIZE", 200)
    peaks = []
    simulate(tmp_path / "warm", sites=2, patients=200, seed=1, progress=Silence())
    for chunks in (1, 6):
        pool = pa.default_memory_pool()
        tracemalloc.start()
        simulate(tmp_path / str(chunks), sites=2, patients=200 * chunks, seed=1, progress=Silence())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert pool.bytes_allocated() < 64 << 20
    assert peaks[1] < 1.5 * peaks[0]
