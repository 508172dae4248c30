"""On which line of a file something stands that was read as maps and lists; looked for only where it is wrong."""

from collections.abc import Sequence

import yaml


def line_of(content: bytes, way: Sequence[str | int]) -> int | None:
    """The line (from 1) of what a way of keys and places in lists leads to, or of the last that is there on it.

    JSON is read as the YAML that it is. None where nothing of the way is there.
    """
    try:
        node = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    line = None
    for step in way:
        found = _step(node, step)
        if found is None:
            break
        node, line = found
    return line


def _step(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    return None
