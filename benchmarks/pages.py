"""Front pages as they are uploaded, 642 columns wide: simulated ones, repeated under other numbers."""

import shutil
from itertools import count, islice
from pathlib import Path

from isthmus.base.progress import Silence
from isthmus.simulation import simulate
from isthmus.simulation.frontpage import FILE, fields

PEOPLE = 4_000  # who are simulated; every copy of their pages is of other people
PATIENT = fields().index("A48")
STAY = fields().index("A49")  # of the patient's stays


def pages(path: str, *, rows: int, seed: int = 1) -> None:
    """`rows` pages in GB18030, each of a stay of its own; more of them begin with the same."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / ".simulated"
    simulate(folder, sites=1, patients=PEOPLE, seed=seed, progress=Silence(), clean=True)
    header, *lines = (folder / "exports" / "h01" / "his" / FILE).read_bytes().splitlines(keepends=True)
    shutil.rmtree(folder)
    split = [line.split(b",", STAY + 1) for line in lines]
    again = (
        b",".join([*page[:PATIENT], b"%d-%b" % (copy, page[PATIENT]), b"%d" % stay, page[STAY + 1]])
        for copy in count()
        for stay, page in enumerate(split)
    )
    with target.open("wb") as stream:
        stream.write(header)
        stream.writelines(islice(again, rows))
