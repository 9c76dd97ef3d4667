"""What a test has go on beside it: looked after again and again in a thread of its own."""

from __future__ import annotations

import threading
from typing import ClassVar, Self


class Meanwhile:
    """Calls `look` every few moments between `with` and its end; what that raises ends it, and fails the test."""

    every: ClassVar[float]  # seconds

    def __init__(self) -> None:
        self.ended = False  # nobody looks any more
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def look(self) -> None:
        """Do what is to be done now."""
        raise NotImplementedError

    def _work(self) -> None:
        try:
            while not self._stop.wait(self.every):
                self.look()
        finally:
            self.ended = True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
