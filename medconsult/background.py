"""Work that goes on beside the workers, in a thread of `medconsult serve`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(work: Callable[[threading.Event], None], end_s: float) -> Iterator[None]:
    """Run the work until the context ends, which sets the event; then wait end_s seconds at most."""
    stopping = threading.Event()
    thread = threading.Thread(target=work, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(end_s)
