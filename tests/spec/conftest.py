"""The engine that a rule is run on, and the place where its packs are written."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from isthmus.lake.engine import Engine
from lib.spec import Spec, vocabulary_files


@pytest.fixture(scope="session", params=["duckdb"])
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Every engine there is, in turn."""
    opened = Engine(tmp_path_factory.mktemp("scratch"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Path]]:
    return vocabulary_files(tmp_path_factory.mktemp("vocabulary"))


@pytest.fixture
def spec(tmp_path: Path, engine: Engine, vocabulary: Mapping[str, list[Path]]) -> Spec:
    """Rules are written as `spec.holds(table)` or `spec.mapped(pack, before).shows(table, after)`."""
    return Spec(tmp_path, engine, vocabulary)
