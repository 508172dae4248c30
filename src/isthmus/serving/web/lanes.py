"""Where the work of requests is done: pages, forms, sign-ins and followers have threads of their own.

So none of them waits for threads that another kind holds. Who comes when all are taken waits in line, and none is lost.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Made = TypeVar("Made")

PAGES = 4  # made at once: they are bound by the interpreter, and more threads only take turns more often
ACTS = 8  # forms and files: they wait for disks, the log, and answers to questions
SIGNING = 2  # passwords looked at at once: each takes 64 MB and a processor for a while
FOLLOWERS = 50  # pages that follow a run at once


class Lane:
    """Threads of one kind of work."""

    def __init__(self, name: str, many: int) -> None:
        self._threads = ThreadPoolExecutor(many, thread_name_prefix=name)

    async def do(self, work: Callable[Given, Made], *given: Given.args, **named: Given.kwargs) -> Made:
        """What the work gives, done in a thread of this lane as soon as one is free."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *given, **named))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Lanes:
    """The lanes of a workbench."""

    def __init__(self) -> None:
        self.pages = Lane("page", PAGES)
        self.acts = Lane("act", ACTS)
        self.signing = Lane("signing", SIGNING)
        self.following = Lane("following", FOLLOWERS)

    def close(self) -> None:
        """Begin nothing more in any of them."""
        for one in (self.pages, self.acts, self.signing, self.following):
            one.close()
