"""How people are told: one module per way, found by its name.

A module here with the names `Options` and `Way` is a way (`base.py` says what it promises). Adding a way is
adding a module. What is told, to whom and when, is decided elsewhere.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from agent.settings.kinds import kinds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.settings.models import Secret, WayOptions
    from agent.ways.base import Way

__all__ = ["kinds", "open_way"]


def kinds() -> Mapping[str, type[WayOptions]]:
    """Return the options model of every way there is, by the name settings give as `type`."""
    return kinds_in(__name__, __path__, "Way")


def open_way(options: WayOptions, reveal: Callable[[Secret], bytes]) -> Way:
    """Make the way of an entry under `notices`; nothing is connected before the first bulletin.

    Args:
        options: one of the models in `kinds()`.
        reveal: reads a secret; asked anew each time, so a changed secret is used without a restart.
    """
    module = import_module(f"{__name__}.{options.type}")
    return cast("Way", module.Way(options, reveal))
