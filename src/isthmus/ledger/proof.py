"""One small file that proves an entry: the entry, its path, and the witnessed checkpoint (C2SP tlog-proof).

The entry itself rides along as extra data. Whoever has the file, the verifier and the policy needs nothing else.
"""

import base64
from collections.abc import Sequence

from isthmus.ledger.note import Note

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"


def render(index: int, path: Sequence[bytes], note: Note, entry: bytes | None = None) -> bytes:
    """The proof file of the entry at an index, for the checkpoint that the path leads to."""
    lines = [HEADER]
    if entry is not None:
        lines.append(f"extra {base64.b64encode(entry).decode()}")
    lines += [f"index {index}", *(base64.b64encode(one).decode() for one in path), "", ""]
    return "\n".join(lines).encode() + note.content
