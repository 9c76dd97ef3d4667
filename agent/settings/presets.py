"""What `numbers: de` and `dates: de` stand for: presets of a language or country, read once from presets.yaml.

A mistake in presets.yaml is a mistake of this package and raises at once (KeyError, TypeError).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml
from pydantic import AfterValidator

from agent.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DatePreset", "NumberPreset", "Zone", "date_presets", "filled", "number_presets"]

_HALVES = (" %I:%M %p", " %I:%M:%S %p")  # of a day


@cache
def number_presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of `numbers:` that each preset stands for."""
    return {
        name: {
            "decimal": facts["decimal"],
            "thousands": facts["thousands"],
            "currency_signs": tuple(facts["signs"]),
        }
        for name, facts in _facts()["presets"].items()
        if "decimal" in facts
    }


@cache
def date_presets() -> Mapping[str, Mapping[str, Any]]:
    """Return the settings of `dates:` that each preset stands for."""
    return {name: {"formats": _forms(facts)} for name, facts in _facts()["presets"].items()}


def filled(values: object, presets: Mapping[str, Mapping[str, Any]]) -> object:
    """Put what a preset stands for beside what is written out; a single text is the preset's name."""
    written = {"preset": values} if isinstance(values, str) else values
    if not isinstance(written, dict):
        return written
    name = written.get("preset")
    return {**presets.get(name, {}), **written} if isinstance(name, str) else written


def _forms(facts: Mapping[str, Any]) -> tuple[str, ...]:
    clocks = (*_facts()["clocks"], *(_HALVES if facts.get("halves") else ()))
    return (*(f"{day}{clock}" for day in facts["dates"] for clock in clocks), *_facts()["iso_dates"])


@cache
def _facts() -> Mapping[str, Any]:
    text = files(__package__).joinpath("presets.yaml").read_text(encoding="utf-8")
    facts: Mapping[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    return facts


def _known(name: str, known: Mapping[str, object]) -> str:
    if not name or name in known:
        return name
    meant = nearest(name, known)
    mend = f"did you mean '{meant}'?" if meant else f"the presets are {', '.join(known)}"
    raise ValueError(f"is no preset; {mend}")


def _number_preset(name: str) -> str:
    return _known(name, number_presets())


def _date_preset(name: str) -> str:
    return _known(name, date_presets())


def _zone(name: str) -> str:
    if not name:
        return name
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = available_timezones()
        if not known:
            raise ValueError(
                "cannot be looked up: this system has no time zone database; install the package tzdata"
            ) from None
        meant = nearest(name, sorted(known))
        mend = f"did you mean '{meant}'?" if meant else "write one such as Europe/Berlin or UTC"
        raise ValueError(f"is no time zone known here; {mend}") from None
    return name


NumberPreset = Annotated[str, AfterValidator(_number_preset)]
DatePreset = Annotated[str, AfterValidator(_date_preset)]
Zone = Annotated[str, AfterValidator(_zone)]
