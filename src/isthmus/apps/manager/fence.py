"""The fence around an application of unknown origin: what its process can reach when it tries.

The kernel's Landlock lets a process give up rights for good, without any privilege: after this it may read the
interpreter, the libraries and its own folder; it can write no file, start no program, open no TCP connection, send no
signal to others and look into no other process. Limits of memory and files, and a low priority, are set as well. What
is left is its pipe.
"""

import ctypes
import os
import resource
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from isthmus.apps.contract import RefusedError

CREATE, ADD, RESTRICT = 444, 445, 446  # numbers of the kernel's calls, the same on every processor
VERSION = 1  # asks CREATE for the version
NO_NEW_PRIVILEGES = 38
READ_FILE, READ_DIR = 1 << 2, 1 << 3
# Rights over files, TCP and others' processes that each version of Landlock knows (linux/landlock.h).
FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
NETWORK_SINCE, SCOPED_SINCE = 4, 6
TCP, SCOPES = 0b11, 0b11
MEMORY = 1 << 30
OPEN_FILES = 64
SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Below(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The version of Landlock that this system has; 0 for none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(int(_kernel().syscall(CREATE, None, ctypes.c_size_t(0), VERSION)), 0)


def places(folder: Path) -> list[Path]:
    """What an application may read: the interpreter, the libraries, this package, and its own folder."""
    own = {folder, Path(__file__).parents[2], Path(sys.base_prefix, "lib"), *map(Path, SYSTEM)}
    own |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return sorted(one.resolve() for one in own if one.exists())


def demand_outside(root: Path, folder: Path) -> None:
    """Raise RefusedError where a workspace lies inside of what an application may read."""
    for place in places(folder):
        if root.resolve().is_relative_to(place):
            raise RefusedError(
                f"the workspace lies inside {place}, which every application may read. Move the workspace elsewhere."
            )


def limit(memory: int = MEMORY) -> None:
    """Limits of this process: memory, open files, no written file, no core; and a low priority."""
    for what, most in (
        (resource.RLIMIT_DATA, memory), (resource.RLIMIT_NOFILE, OPEN_FILES), (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(what, (most, most))
    os.nice(10)


def close(readable: Iterable[Path]) -> None:
    """Give up, for good, every right but to read below some places. Raises OSError where the system cannot."""
    known = version()
    files = FILES[min(known, max(FILES))]
    made = _Ruleset(files, TCP if known >= NETWORK_SINCE else 0, SCOPES if known >= SCOPED_SINCE else 0)
    size = 8 if known < NETWORK_SINCE else 16 if known < SCOPED_SINCE else 24
    kernel = _kernel()
    rules = _done(kernel.syscall(CREATE, ctypes.byref(made), ctypes.c_size_t(size), 0))
    for place in readable:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        allowed = READ_FILE | (READ_DIR if place.is_dir() else 0)
        _done(kernel.syscall(ADD, rules, 1, ctypes.byref(_Below(allowed, opened)), 0))
        os.close(opened)
    _done(kernel.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _done(kernel.syscall(RESTRICT, rules, 0))
    os.close(rules)


def _kernel() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "the fence could not be closed")
    return answer
