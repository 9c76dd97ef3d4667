"""What doing something costs, for bounds that nothing may come near: processor seconds, and bytes held at most."""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")


def at_cost(work: Callable[[], T]) -> tuple[T, float, int]:
    """Do it; return what it gave, the seconds and the bytes."""
    tracemalloc.start()
    try:
        began = time.process_time()
        given = work()
        seconds = time.process_time() - began
        return given, seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
