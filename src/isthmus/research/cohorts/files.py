"""Where definitions come from and cohorts go: files, folders and archives in, a CSV of counts and Parquet rows out."""

import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, UsageError
from isthmus.research.cohorts import circe, phenotype
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort, Definition
from isthmus.research.cohorts.evaluate import Cohorts
from isthmus.research.cohorts.levels import settled
from isthmus.research.cohorts.lines import line_of

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
PHENOTYPE = ".yaml"
READERS: Mapping[str, Callable[..., Cohort]] = {".json": circe.read, PHENOTYPE: phenotype.read}


def read(paths: Sequence[Path], more: Iterable[Cohort] = ()) -> tuple[list[Cohort], list[DefinitionError]]:
    """Definitions in files, folders (with what is below them) and archives, by id; and those that are refused.

    `more` are cohorts that do not stand in files of their own.

    The id is the stem of the file's name. Raises InputError when there is none at all or an archive is broken,
    UsageError when two files have one id.
    """
    found: dict[str, Cohort] = {}
    refused: list[DefinitionError] = []
    places: dict[str, str] = {}
    for path in paths:
        for file, content in _documents(path):
            name = PurePosixPath(file).stem
            if name in places:
                raise UsageError(
                    f"{places[name]} and {file} would both be cohort {name}, by their file name. Rename one."
                )
            places[name] = file
            try:
                found[name] = _placed(READERS[PurePosixPath(file).suffix](content, name=name, file=file), file, content)
            except DefinitionError as error:
                refused.append(_lined(error, file, content))
    if not places:
        raise InputError(
            "no definition was found: there is no .json or .yaml file there. Name a file, a folder or an archive."
        )
    for one in more:
        if one.name in places or one.name in found:
            raise UsageError(
                f"a negative control and {places.get(one.name, 'another')} would both be cohort {one.name}."
            )
        found[one.name] = one
    possible, hopeless = settled(found.values(), places)
    return sorted(possible, key=lambda one: _by_number(one.name)), refused + hopeless


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is doubtful in a file; its line is looked for when it is shown."""

    error: DefinitionError
    file: str
    content: bytes

    def __str__(self) -> str:
        """Place, what is doubtful there, and what to do."""
        return str(_lined(self.error, self.file, self.content))


def _placed(one: Cohort, file: str, content: bytes) -> Cohort:
    """A cohort whose doubts name their lines."""
    if not isinstance(one, Definition) or not one.doubts:
        return one
    doubts = [Doubt(each, file, content) for each in one.doubts if isinstance(each, DefinitionError)]
    return replace(one, doubts=tuple(doubts))


def _lined(error: DefinitionError, file: str, content: bytes) -> DefinitionError:
    """The error with the line at which it stands in its file, where that can be told."""
    line = line_of(content, error.way) if error.way else None
    if line is None or not str(error).startswith(f"{file}: "):
        return error
    return DefinitionError(f"{file}:{line}: {str(error).removeprefix(f'{file}: ')}")


def write_circe(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write every phenotype as the Circe document that says the same; the files written. Raises DefinitionError."""
    written = []
    for path in paths:
        for file, content in _documents(path):
            if PurePosixPath(file).suffix == PHENOTYPE:
                target = folder / f"{PurePosixPath(file).stem}.json"
                with replaced(target) as stream:
                    stream.write(orjson.dumps(phenotype.document(content, file=file), option=orjson.OPT_INDENT_2))
                written.append(target)
    return written


def write_counts(path: Path, cohorts: Cohorts) -> None:
    """`cohort_id,records,subjects`, one line a definition, also for cohorts with nobody in."""
    with replaced(path) as stream:
        text = ["cohort_id,records,subjects"]
        text += [f"{name},{records},{subjects}" for name, records, subjects in counted(cohorts)]
        stream.write(("\n".join(text) + "\n").encode())


def write_rows(path: Path, cohorts: Cohorts) -> None:
    """The cohort table of OHDSI as Parquet; the id is a number where every id is one."""
    with replaced(path) as stream:
        pq.write_table(cohort_table(cohorts), stream)


def counted(cohorts: Cohorts) -> list[tuple[str, int, int]]:
    """Id, records and subjects of every cohort."""
    known = {row["cohort"]: (row["records"], row["subjects"]) for row in cohorts.counts.to_pylist()}
    return [(one.name, *known.get(at, (0, 0))) for at, one in enumerate(cohorts.definitions, start=1)]


def cohort_table(cohorts: Cohorts) -> pa.Table:
    """The rows under the names of OHDSI's cohort table."""
    names = [one.name for one in cohorts.definitions]
    numbered = all(name.isdecimal() for name in names)
    ids = pa.array([int(name) for name in names], pa.int64()) if numbered else pa.array(names, pa.string())
    rows = cohorts.rows
    return pa.table(
        {
            "cohort_definition_id": ids.take(pc.subtract(rows.column("cohort"), 1)),
            "subject_id": rows.column("person_id"),
            "cohort_start_date": rows.column("start_date"),
            "cohort_end_date": rows.column("end_date"),
        }
    )


def _documents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every definition below a path."""
    if not path.exists():
        raise InputError(f"{path} does not exist. Name a file, a folder or an archive of definitions.")
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix in READERS and file.is_file():
                yield str(file.relative_to(path)), file.read_bytes()
    elif path.name.endswith(ARCHIVES):
        yield from _members(path)
    elif path.suffix in READERS:
        yield path.name, path.read_bytes()
    else:
        raise InputError(
            f"{path} is no definition: {', '.join(READERS)}, a folder, or {', '.join(ARCHIVES)} is expected."
        )


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).suffix in READERS:
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield member.name, stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be unpacked ({type(error).__name__}). Copy or download it again."
        ) from error


def _by_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
