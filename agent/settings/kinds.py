"""Models that settings choose by the word behind `type`: destinations, sources of acknowledgements, ways to tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003 - part of what is made here
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from agent.settings.models import AckOptions, Destination, Model, WayOptions

__all__ = ["Family", "Kinds", "kinds_in"]


@dataclass(frozen=True, slots=True)
class Family:
    """What stands for one base model: the words for one of its kinds, and the models by their `type`."""

    words: str
    models: Mapping[str, type[Model]]


@dataclass(frozen=True, slots=True)
class Kinds:
    """All the kinds there are."""

    destinations: Mapping[str, type[Destination]]
    acknowledgements: Mapping[str, type[AckOptions]] = field(default_factory=dict)
    notices: Mapping[str, type[WayOptions]] = field(default_factory=dict)

    def family(self, model: type) -> Family | None:
        """Return what stands for a model; None where it stands for itself."""
        if model is Destination:
            return Family("kind of destination", self.destinations)
        if model is AckOptions:
            return Family("source of acknowledgements", self.acknowledgements)
        if model is WayOptions:
            return Family("way to tell people", self.notices)
        return None


def kinds_in(
    room: str, path: Iterable[str], door: str, *, besides: tuple[str, ...] = ("base",)
) -> Mapping[str, Any]:
    """Return the class `Options` of every module of a room that also has the class `door`, by the module's name.

    Args:
        room: the package's name.
        path: its `__path__`.
        door: the class that makes a module one of the room's kinds.
        besides: modules that are none, and are not loaded.
    """
    modules = {
        found.name: import_module(f"{room}.{found.name}")
        for found in iter_modules(path)
        if not found.ispkg and found.name not in besides
    }
    return {name: module.Options for name, module in sorted(modules.items()) if hasattr(module, door)}
