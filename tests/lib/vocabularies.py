"""Small vocabulary packs for tests."""

from pathlib import Path

HEAD = """
vocabulary: {vocabulary}
edition: "{edition}"
name: {{zh: 测试代码, en: test list {vocabulary}}}
source: written for a test
licence: none needed
domain: Condition
hierarchy: {hierarchy}
"""


def write(
    folder: Path, codes: str | bytes, *, vocabulary: str = "LOCAL-1", edition: str = "1", hierarchy: str = "parent",
    more: str = "", maps: str = "",
) -> Path:  # fmt: skip
    """A pack in a new folder below `folder`; `more` is added to its head."""
    pack = folder / vocabulary
    (pack / "maps").mkdir(parents=True, exist_ok=True)
    head = HEAD.format(vocabulary=vocabulary, edition=edition, hierarchy=hierarchy)
    (pack / "vocabulary.yaml").write_text(head.lstrip() + more, encoding="utf-8")
    (pack / "codes.csv").write_bytes(codes if isinstance(codes, bytes) else codes.encode())
    (pack / "maps" / "m.csv").unlink(missing_ok=True)
    if maps:
        (pack / "maps" / "m.csv").write_text(maps, encoding="utf-8")
    return pack
