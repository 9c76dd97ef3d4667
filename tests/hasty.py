"""`impact-agent run` with a clock that runs faster: `python -m tests.hasty FACTOR CONFIG`.

Only the agent's own modules see that clock; the libraries below them, and the kernel, keep the true time. Waits last
as long as ever, so a wait that is not cut short takes FACTOR times as long by the agent's clock.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import time
from types import ModuleType

import agent
from agent.cli.main import main


class Hasty(ModuleType):
    """The module `time`, with `time` and `monotonic` going so many times as fast from now on."""

    def __init__(self, factor: float) -> None:
        super().__init__("time")
        begun, wall = time.monotonic(), time.time()
        self.__dict__.update(vars(time))
        self.__dict__["monotonic"] = lambda: begun + (time.monotonic() - begun) * factor
        self.__dict__["time"] = lambda: wall + (time.monotonic() - begun) * factor


def hurry(factor: float) -> None:
    """Give every module of the agent the faster clock."""
    hasty = Hasty(factor)
    for found in pkgutil.walk_packages(agent.__path__, "agent."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            if getattr(module, "time", None) is time:
                module.time = hasty  # type: ignore[attr-defined]


if __name__ == "__main__":
    hurry(float(sys.argv[1]))
    sys.argv = ["impact-agent", "-c", sys.argv[2], "run"]
    main()
