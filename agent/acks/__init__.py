"""How answers are fetched from where impact.com puts them, and how they are read: one module per source.

A module here with the names `Options` and `Source` is a source (`base.py` says what it promises); packages
here hold what sources and reading are made of. Adding a source is adding a module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from agent import channels, ways
from agent.settings.kinds import Kinds, kinds_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.acks.base import Source
    from agent.settings.models import AckOptions, Secret, Settings

__all__ = ["every_kind", "kinds", "open_source"]


def kinds() -> Mapping[str, type[AckOptions]]:
    """Return the options model of every source there is, by the name settings give as `type`."""
    return kinds_in(__name__, __path__, "Source", besides=("base", "reading"))


def every_kind() -> Kinds:
    """Return all that settings may name as a `type`: what `load` is given."""
    return Kinds(channels.kinds(), kinds(), ways.kinds())


def open_source(options: AckOptions, settings: Settings, reveal: Callable[[Secret], bytes]) -> Source:
    """Make the source of an entry under `acknowledgements`; nothing is connected before the first `fetch`.

    Args:
        options: one of the models in `kinds()`.
        settings: of the whole agent: a source may use a destination's login, and paths are relative to its folder.
        reveal: reads a secret; asked at each login, so a changed secret is used without a restart.
    """
    module = import_module(f"{__name__}.{options.type}")
    return cast("Source", module.Source(options, settings, reveal))
