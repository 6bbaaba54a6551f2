"""When Python looks for garbage, and what the process gives back of its memory."""

from __future__ import annotations

import ctypes
import gc

SELDOM = (100_000, 50, 1_000)


def collect_seldom() -> None:
    """Look for cycles less often: resources are trees, freed when the last reference goes.

    With Python's own thresholds a fifth of the CPU of a load went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
    _give_back()


def _give_back() -> None:
    """Return to the system what was needed only for the start: 17 MB after the schema was compiled."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; others do it by themselves
    if trim is not None:
        trim(0)
