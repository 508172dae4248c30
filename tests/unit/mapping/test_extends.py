"""A pack that extends another: what it lays over, and what stays."""

from pathlib import Path

from isthmus.mapping import pack as packs


def test_code_lists_are_merged_code_by_code(tmp_path: Path) -> None:
    for name, head, codes in (
        ("base", "pack: base\n", "code,name,concept_id\nA,one,1\nB,two,2\n"),
        ("over", "pack: over\nextends: base\n", "code,name,concept_id\nB,other,3\nC,three,4\n"),
    ):
        (tmp_path / name / "codes").mkdir(parents=True)
        (tmp_path / name / "pack.yaml").write_text(head)
        (tmp_path / name / "codes" / "item.csv").write_text(codes)
    found = packs.load("over", (tmp_path,)).codes["item"]
    assert [(row["code"], row["concept_id"]) for row in found] == [("A", "1"), ("B", "3"), ("C", "4")]
