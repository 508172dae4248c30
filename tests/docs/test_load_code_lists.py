"""What `docs/how-to/load-code-lists.md` tells a reader to write is written, loaded and searched."""

from pathlib import Path

import openpyxl
import pytest

from isthmus.flow import start
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.terminology.service import Terminology, Wanted
from lib import vocabularies
from lib.tree import ROOT

PAGE = (ROOT / "docs/how-to/load-code-lists.md").read_text(encoding="utf-8")
ROWS = [("K76.000", "脂肪肝"), ("K76.000x005", "非酒精性脂肪肝"), ("C22.000", "肝细胞癌"), ("C22.0", "肝细胞恶性肿瘤")]


def _fences() -> list[str]:
    return [piece.partition("```")[0] for piece in PAGE.split("```yaml\n")[1:]]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_reader_loads_a_workbook_with_maps_to_another_edition(tmp_path: Path, encoding: str) -> None:
    opened = start.new(tmp_path / "ws", synthetic=True)
    insurance = vocabularies.write(
        tmp_path, "code,name\nC22.000,肝细胞癌\n", vocabulary="ICD10-YB-2.0", edition="2.0", hierarchy="none"
    )
    vocabulary_pack.load(opened, insurance)
    folder = tmp_path / "icd10-clinical"
    folder.mkdir()
    head, maps = _fences()
    (folder / "vocabulary.yaml").write_text(head + maps, encoding="utf-8")
    (folder / "to-insurance.csv").write_bytes("临床编码,医保编码\nC22.000,C22.000\n".encode(encoding))
    book = openpyxl.Workbook()
    sheet = book.create_sheet("诊断")
    for row in [("诊断编码", "诊断名称"), *ROWS]:
        sheet.append(row)
    book.save(folder / "疾病分类与代码.xlsx")
    vocabulary_pack.load(opened, folder)
    with Terminology.of(opened) as terms:
        (target,) = terms.translate("ICD10-GJ-2.0", "C22.000", to="ICD10-YB-2.0")
        assert (target.relation, target.target.name) == ("equal", "肝细胞癌")
        found = terms.lookup("ICD10-GJ-2.0", "K76.000x005")
        assert found is not None
        assert [one.code for one in found.parents] == ["K76.000"]
        own = Wanted(vocabularies=("ICD10-GJ-2.0",))
        assert [hit.code for hit in terms.search("fjjxzfg", own)] == ["K76.000x005"]
