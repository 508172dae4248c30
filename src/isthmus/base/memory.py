"""Memory that long work has freed and the C library keeps: in pieces, it would grow with every round of the work."""

import ctypes

import pyarrow as pa


def give_back() -> None:
    """Give freed memory back to the system, where the C library can (glibc); elsewhere nothing happens."""
    pa.default_memory_pool().release_unused()
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):
        return
