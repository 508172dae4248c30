"""The lake, its editions, its landing and its records held against each other."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from isthmus.base.durable import sha256_of
from isthmus.base.errors import IntegrityError, IsthmusError
from isthmus.base.progress import Progress, Silence
from isthmus.flow.keys import KEYS, repeated
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.delta import Deltas
from isthmus.lake.edition import Edition
from isthmus.records.store import digests


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how much it looked at, and what is wrong (nothing, when it holds).

    `notes` are faults of a source, handed on as they were delivered: they do not make the check fail.
    """

    check: str
    looked_at: int
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def verify(workspace: Workspace, *, progress: Progress | None = None) -> list[Finding]:
    """Run every check; a finding without faults holds."""
    progress = progress or Silence()
    checks: list[Callable[[Workspace], Finding]] = [
        _landing, _chain, _files, _versions, _accounts, _provenance, _keys, _batches,
    ]  # fmt: skip
    progress.start("verify", total=len(checks), unit="checks")
    findings = []
    for check in checks:
        try:
            findings.append(check(workspace))
        except IsthmusError as error:  # what is harmed too badly to be looked at is a fault like any other
            findings.append(Finding(f"{check.__name__.strip('_')} can be checked", 0, (str(error),)))
        progress.advance("verify")
    progress.finish("verify")
    return findings


def _editions(workspace: Workspace) -> Iterator[Edition]:
    """Every edition that can be read; `_chain` tells of those that cannot."""
    for number in workspace.lake.editions.numbers():
        with suppress(IntegrityError):
            yield workspace.lake.editions.get(number)


def _landing(workspace: Workspace) -> Finding:
    faults = []
    receipts = workspace.records.receipts()
    for receipt in receipts:
        try:
            workspace.lake.landing.check(receipt.sha256, receipt.size)
        except IntegrityError as error:
            faults.append(f"{receipt.site}/{receipt.feed}/{receipt.name}: {error}")
    known = {receipt.receipt_id for receipt in receipts}
    faults += [
        f"part {part.part_id} has no receipt" for part in workspace.records.parts() if part.receipt_id not in known
    ]
    return Finding("landed bytes are what their receipts say", len(receipts), tuple(faults))


def _chain(workspace: Workspace) -> Finding:
    """Every manifest names the digest of the one before; the records know the digest of the last as well."""
    published = digests(workspace.records)
    numbers = workspace.lake.editions.numbers()
    last = max([0, *numbers, *published])
    faults = [f"edition {number} is missing" for number in range(1, last + 1) if number not in numbers]
    before: Edition | None = None
    for edition in _editions(workspace):
        if before is not None and before.number == edition.number - 1 and edition.body.get("previous") != before.digest:
            faults.append(f"edition {edition.number} does not follow the edition before it, which was altered")
        if published.get(edition.number, edition.digest) != edition.digest:
            faults.append(f"edition {edition.number} is not what was published; its manifest was altered")
        before = edition
    readable = {edition.number for edition in _editions(workspace)}
    faults += [
        f"edition {number} cannot be read; its manifest was altered" for number in numbers if number not in readable
    ]
    return Finding("editions follow one another unaltered", len(numbers), tuple(faults))


def _files(workspace: Workspace) -> Finding:
    seen: dict[str, Any] = {
        one.path: one for edition in _editions(workspace) for name in edition.tables() for one in edition.files(name)
    }
    faults = []
    for path, file in sorted(seen.items()):
        there = workspace.lake.root / path
        if not there.is_file():
            faults.append(f"{path} is missing")
        elif there.stat().st_size != file.size or sha256_of(there) != file.sha256:
            faults.append(f"{path} was altered")
        elif pq.read_metadata(there).num_rows != file.rows:
            faults.append(f"{path} does not hold {file.rows} rows")
    return Finding("every file of every edition is there, unaltered", len(seen), tuple(faults))


def _versions(workspace: Workspace) -> Finding:
    faults, count, deltas = [], 0, Deltas(workspace.lake.root)  # which remembers nothing of what was read before
    for edition in _editions(workspace):
        for name, body in edition.body["tables"].items():
            count += 1
            try:
                there = {one.path for one in deltas.files(name, version=body["version"])}
            except IntegrityError as error:
                faults.append(str(error))
                continue
            if there != {one.path for one in edition.files(name)}:
                faults.append(f"{name} at version {body['version']} is not what edition {edition.number} lists")
    return Finding("table versions hold the files that editions list", count, tuple(faults))


def _accounts(workspace: Workspace) -> Finding:
    """Every record read has its line: the ledger and the account of each part agree."""
    edition = workspace.lake.editions.current()
    if edition is None:
        return Finding("every record read is accounted for", 0, ())
    published = {one.batch_id for one in workspace.records.batches("published")}
    expected = {
        part.part_id: sum(
            count for outcomes in part.account.values() for outcome, count in outcomes.items() if outcome != "duplicate"
        )
        for part in workspace.records.parts() if part.batch_id in published
    }  # fmt: skip
    counted = _query(workspace, edition, "record", "SELECT part_id, count(*) AS n FROM t GROUP BY part_id")
    found = {row["part_id"]: row["n"] for row in counted}
    faults = tuple(
        f"part {part}: {expected.get(part, 0)} records were read, {found.get(part, 0)} are in the ledger"
        for part in sorted({*expected, *found})
        if expected.get(part, 0) != found.get(part, 0)
    )
    return Finding("every record read is accounted for", sum(expected.values()), faults)


def _provenance(workspace: Workspace) -> Finding:
    edition = workspace.lake.editions.current()
    faults, count = [], 0
    if edition is not None:
        with workspace.lake.engine() as engine:
            record = [workspace.lake.root / one.path for one in edition.files("record")]
            engine.view("ledger", record, empty=schema_of("record"))
            for name, rows in edition.tables().items():
                if name == "record" or "part_id" not in schema_of(name).names:
                    continue
                count += rows
                files = [workspace.lake.root / one.path for one in edition.files(name)]
                engine.view("t", files, empty=schema_of(name))
                stray = engine.rows(
                    query(
                        "SELECT count(*) AS n FROM t ANTI JOIN (SELECT part_id, place FROM ledger WHERE outcome IN "
                        "('mapped', 'quarantined')) l USING (part_id, place)"
                    )
                ).to_pylist()[0]["n"]
                if stray:
                    faults.append(f"{name}: {stray} rows come from no current record")
    return Finding("every row comes from a record in the ledger", count, tuple(faults))


def _keys(workspace: Workspace) -> Finding:
    edition = workspace.lake.editions.current()
    if edition is None:
        return Finding("primary keys are unique", 0, ())
    count = sum(rows for name, rows in edition.tables().items() if name in KEYS and "part_id" in schema_of(name).names)
    found = list(repeated(workspace, edition))
    return Finding(
        "primary keys are unique", count, tuple(str(one) for one in found if not one.delivered),
        tuple(str(one) for one in found if one.delivered),
    )  # fmt: skip


def _batches(workspace: Workspace) -> Finding:
    batches = workspace.records.batches()
    faults = tuple(
        f"batch {one.batch_id} of site {one.site} is not published yet (interrupted, or held back); the next ingest "
        "goes on with it"
        for one in batches
        if one.state != "published"
    )
    return Finding("no batch is half done", len(batches), faults)


def _query(workspace: Workspace, edition: Edition | None, table: str, sql: str) -> list[dict[str, Any]]:
    assert edition is not None
    files = [workspace.lake.root / one.path for one in edition.files(table)]
    with workspace.lake.engine() as engine:
        engine.view("t", files, empty=schema_of(table))
        rows: list[dict[str, Any]] = engine.rows(query(sql)).to_pylist()
        return rows


def demand(findings: list[Finding]) -> None:
    """Raise IntegrityError when any finding has faults."""
    broken = [one for one in findings if one.faults]
    if broken:
        raise IntegrityError(
            f"{len(broken)} of {len(findings)} checks failed: " + "; ".join(one.check for one in broken)
        )
