"""How a batch travels: one module per channel, found by its name.

A module here with the names `Options` and `Channel` is a channel (`base.py` says what it promises); a
package here holds what channels are made of. Adding a channel is adding a module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from agent.settings.kinds import kinds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.channels.base import Channel
    from agent.settings.models import Destination, Secret

__all__ = ["kinds", "open_channel"]


def kinds() -> Mapping[str, type[Destination]]:
    """Return the options model of every channel there is, by the name settings give as `type`."""
    return kinds_in(__name__, __path__, "Channel")


def open_channel(options: Destination, reveal: Callable[[Secret], bytes]) -> Channel:
    """Make the channel of a destination; nothing is connected before the first parcel.

    Args:
        options: one of the models in `kinds()`.
        reveal: reads a secret; asked at each login, so a changed secret is used without a restart.
    """
    module = import_module(f"{__name__}.{options.type}")
    return cast("Channel", module.Channel(options, reveal))
