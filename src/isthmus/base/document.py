"""YAML that remembers its lines, so that an error can name the line at fault."""

from pathlib import Path
from typing import Any

import yaml

from isthmus.base.errors import PackError


class Section(dict[str, Any]):
    """A mapping that knows its file and on which line each key stands (1-based)."""

    def __init__(self, values: dict[str, Any], *, file: str, lines: dict[str, int], line: int) -> None:
        super().__init__(values)
        self.file = file
        self.lines = lines
        self.line = line

    def place(self, key: str | None = None) -> str:
        """`file:line` of a key, or of the section itself."""
        return f"{self.file}:{self.lines.get(key, self.line) if key else self.line}"

    def merged(self, over: "Section") -> "Section":
        """This section with another laid over it: mappings merge, other values replace, null removes."""
        values, lines = dict(self), dict(self.lines)
        for key, value in over.items():
            lines[key] = over.lines.get(key, over.line)
            if value is None:
                values.pop(key, None)
            elif isinstance(value, Section) and isinstance(values.get(key), Section):
                values[key] = values[key].merged(value)
            else:
                values[key] = value
        return Section(values, file=over.file, lines=lines, line=over.line)


class _Loader(yaml.CSafeLoader):  # libyaml's, which every wheel brings: ten times faster than the one in Python
    file = ""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Section:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        line = key_node.start_mark.line + 1
        if key in values:
            raise PackError(f"{loader.file}:{line}: '{key}' stands twice in one mapping. Keep one of the two.")
        values[key] = loader.construct_object(value_node, deep=True)
        lines[key] = line
    return Section(values, file=loader.file, lines=lines, line=node.start_mark.line + 1)


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)  # dates stay the text they were written as


def parse(text: str, file: str) -> Section:
    """Read one YAML mapping. Raises PackError with file and line for anything else."""
    loader = _Loader(text)
    loader.file = file
    try:
        value = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PackError(
            f"{file}:{line}: this is not valid YAML: {error.problem}. Check the indentation here."
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PackError(f"{file}:{line}: a character here stands in no text ({error.reason}). Take it out.") from None
    finally:
        loader.dispose()
    if value is None:
        return Section({}, file=file, lines={}, line=1)
    if not isinstance(value, Section):
        raise PackError(f"{file}:1: a mapping (`key: value` lines) is expected here.")
    return value


def read(path: Path, *, name: str | None = None) -> Section:
    """Read a YAML file in UTF-8; `name` is what errors call it."""
    label = name or path.name
    return parse(text(path, label), label)


def text(path: Path, label: str) -> str:
    """The text of a file in UTF-8; `label` is what errors call it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackError(f"{label}:1: the file is not UTF-8. Save it as UTF-8 and try again.") from None
    except OSError as error:
        raise PackError(f"{label}: cannot be read ({error.strerror}).") from None
