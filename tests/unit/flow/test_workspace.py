"""A pack is kept as it was, and found again by its content."""

from pathlib import Path

import pytest

from isthmus.base.errors import IntegrityError
from isthmus.flow import start
from isthmus.mapping import pack as packs
from lib import packs as writing

NAMED_OTHERWISE = """
== pack.yaml
pack: synthea-csv
derive: []
== r.yaml
into: [{table: reference, set: {key: k, v: v}}]
"""


def test_a_pack_whose_folder_has_another_name_is_found_again(tmp_path: Path) -> None:
    """Not the pack that comes along under the same name."""
    opened = start.new(tmp_path / "ws", synthetic=True)
    own = packs.load(str(writing.write(tmp_path, "harbour", NAMED_OTHERWISE)))
    opened.archive(own)
    assert opened.archived(own.digest, own.name).digest == own.digest


def test_a_kept_pack_that_was_altered_is_refused(tmp_path: Path) -> None:
    opened = start.new(tmp_path / "ws", synthetic=True)
    own = packs.load(str(writing.write(tmp_path, "harbour", NAMED_OTHERWISE)))
    opened.archive(own)
    kept = opened.root / "mappings" / own.digest / "harbour" / "r.yaml"
    kept.write_text(kept.read_text(encoding="utf-8").replace("v: v", "v: k"), encoding="utf-8")
    with pytest.raises(IntegrityError, match="not what was kept"):
        opened.archived(own.digest, own.name)
