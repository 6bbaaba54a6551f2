"""When Python looks for garbage."""

from __future__ import annotations

import gc

SELDOM = (100_000, 50, 1_000)


def collect_seldom() -> None:
    """Look for cycles less often: resources are trees, freed when the last reference goes.

    With Python's own thresholds a fifth of the CPU of a load went into looking.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)
