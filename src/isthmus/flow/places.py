"""Where rows stand in a site's deliveries: feed, file, line, and the columns of the export."""

from functools import cache, cached_property

from isthmus.base.errors import IsthmusError
from isthmus.flow.columns import record_columns, source_columns
from isthmus.flow.trace import Tracer
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.pack import Pack
from isthmus.records.store import origins


class Places:
    """The places of one site in one edition; looked up once each."""

    def __init__(self, workspace: Workspace, edition: Edition, site: str) -> None:
        self._workspace = workspace
        self._edition = edition
        self._packs = {feed.name: feed.pack for feed in workspace.site(site).feeds}
        self.file = cache(self._file)
        self.columns = cache(self._columns)
        self.record = cache(self._record)
        self._pack = cache(self._read_pack)

    @cached_property
    def _tracer(self) -> Tracer:
        return Tracer(self._workspace, edition=self._edition)

    def _file(self, part_id: int) -> tuple[str, str]:
        """Feed and name of the file (of the member, in an archive)."""
        found = origins(self._workspace.records, {part_id}).get(part_id)
        return (found[1].feed, found[0].member or found[1].name) if found else ("", "")

    def at(self, part_id: int, place: int) -> tuple[int | None, str]:
        """The line (or row) of a place, None where it cannot be told; of a database also the table of the row."""
        try:
            found = self._tracer.passage(part_id, place) if place >= 0 else None
        except IsthmusError:
            found = None
        return (found.line, found.table) if found else (None, "")

    def _columns(self, feed: str, table: str, field: str, file: str, sheet: str = "") -> tuple[str, ...]:
        """The columns of a file that fill a field of OMOP; of one table in it, where it is a database."""
        pack = self._pack(feed)
        return tuple(source_columns(pack, table, field, file, sheet)) if pack else ()

    def _record(self, feed: str, kind: str, field: str) -> tuple[str, ...]:
        """The columns that fill a field, in one kind of record."""
        pack = self._pack(feed)
        return tuple(record_columns(pack, kind, field)) if pack else ()

    def _read_pack(self, feed: str) -> Pack | None:
        try:
            return self._workspace.pack(self._packs[feed]) if feed in self._packs else None
        except IsthmusError:  # a pack that was taken away does not hide what was found
            return None
