"""What answers under a grant took is added up as they are noted, and taken over from acts that had no sums."""

from datetime import datetime, timedelta
from pathlib import Path

from isthmus.base.clock import now
from isthmus.records.acts import Acts
from isthmus.records.models import Act
from isthmus.records.spent import Spent
from isthmus.records.store import Records

DAY = timedelta(days=1)


def _asked(acts: Acts, name: str, grant: str, at: datetime, rows: int) -> None:
    one = Act(
        subject=name, number=1, kind="question", grant=grant, at=at, person="ann", role="", act="allowed", body={},
        salt="", entry=name, settled=False,
    )  # fmt: skip
    acts.intend([one])
    acts.note([one], {"rows": rows, "seconds": 0.5, "outcome": "answered"})


def _filled(url: str, at: datetime) -> Acts:
    acts = Acts(Records(url))
    for number, (grant, ago, rows) in enumerate(
        [("a", 0, 5), ("a", 1, 7), ("a", 60 * 23, 100), ("a", 60 * 25, 1000), ("b", 0, 3)]
    ):
        _asked(acts, f"q{number}", grant, at - timedelta(minutes=ago), rows)
    return acts


def test_a_day_of_a_grant_counts_and_no_more(tmp_path: Path) -> None:
    at = now()
    acts = _filled(f"sqlite:///{tmp_path}/r.db", at)
    assert acts.taken("a", at - DAY) == (112, 1.5)
    assert acts.taken("b", at - DAY) == (3, 0.5)
    assert acts.taken("c", at - DAY) == (0, 0.0)


def test_what_was_answered_before_there_were_sums_counts(tmp_path: Path) -> None:
    at, url = now(), f"sqlite:///{tmp_path}/r.db"
    before = _filled(url, at).taken("a", at - DAY)
    records = Records(url)
    Spent.__table__.drop(records.engine)  # type: ignore[attr-defined]  # SQLAlchemy types it as any selectable
    acts = Acts(Records(url))
    assert acts.taken("a", at - DAY) == before
    _asked(acts, "new", "a", at, 1)
    assert acts.taken("a", at - DAY)[0] == before[0] + 1
