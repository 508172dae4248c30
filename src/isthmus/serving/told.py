"""Applications are told at the end of a verb what it brought, for a short while; a service tells them anyway."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

from isthmus.base.clock import now
from isthmus.flow.workspace import Workspace
from isthmus.records.owed import Owing, holder_of

SECONDS = 10.0  # that a verb stays for applications


def tell(opened: Workspace) -> list[str]:
    """Have applications told what they are owed; a sentence for each thing that was in the way.

    They are told by a process of its own, which is ended with all that it began when the time is over, so that neither
    a slow application nor one that hangs keeps the verb.
    """
    if not Owing(opened.records, "").due(now()):
        return []
    words = [sys.executable, "-P", "-m", "isthmus", "app", "tick", str(opened.root.resolve()), "--no-jobs", "--json"]
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    notes: list[str] = []
    try:
        said, _ = process.communicate(timeout=SECONDS)
        failed = json.loads(said)["failed"] if said else ()
        notes += [f"An application could not do what it does with what is new: {why}." for why in dict.fromkeys(failed)]
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        Owing(opened.records, holder_of(process.pid)).release(now())
    waiting = sum(waits for waits, _ in Owing(opened.records, "").standing().values())
    owed = (
        f"Applications have not come to an end with {waiting} event(s). A service that runs tells them again, or "
        f"`isthmus app tick {opened.root}`."
    )
    return [*notes, owed] if waiting else notes
