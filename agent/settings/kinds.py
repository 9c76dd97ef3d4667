"""Models that settings choose by the word behind `type`: destinations, sources of acknowledgements, ways to tell."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of what is made here
from dataclasses import dataclass, field

from agent.settings.models import AckOptions, Destination, Model, WayOptions

__all__ = ["Family", "Kinds"]


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
