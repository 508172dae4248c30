"""The pack that the reference page shows is read, and means what the page says."""

import re

from isthmus.apps.pathways.reader import read, shipped
from lib.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "pathway.md"


def test_the_pack_on_the_page_is_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    pack = read(example.encode(), file="page.yaml")
    (rule,) = pack.rules.values()
    assert rule.legs[0].window.text == "28 before to that day"
    assert pack.steps["resection"].treatment


def test_the_page_names_every_pack_that_comes_along() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in shipped())
