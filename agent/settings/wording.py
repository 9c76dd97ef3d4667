"""What pydantic finds wrong with a value, in words that continue the value's name. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.settings.forms import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

__all__ = ["causes", "said"]

_SAID = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must not be longer than {max_length} characters",
    "too_long": "must not have more than {max_length} items",
    "string_pattern_mismatch": "does not have the form it must have",
    "multiple_of": "must be a multiple of {multiple_of}",
}
_SHORT = {"string_too_short", "too_short"}


def causes(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Drop what only follows: a list whose items are wrong is called too short as well."""
    around = {error["loc"][:length] for error in errors for length in range(len(error["loc"]))}
    return [error for error in errors if error["loc"] not in around]


def said(error: ErrorDetails) -> tuple[str, str]:
    """Return words ("must be at least 1") and mend for one error of a value."""
    details: Mapping[str, object] = error.get("ctx") or {}
    if error["type"] in {"value_error", "assertion_error"}:
        words, _, mend = str(details.get("error", "is wrong")).partition("; ")
        return words, mend
    if error["type"] in _SHORT:
        least = details.get("min_length")
        return ("must not be empty" if least == 1 else f"must have at least {least}"), ""
    if details.get("pattern") == NAME:
        return "is not a name", "use small letters, digits and hyphens, at most 63"
    if error["type"] in _SAID:
        return _SAID[error["type"]].format(**details), ""
    # Whatever else there is, pydantic says "Input should be …": what follows continues the value's name.
    return error["msg"].removeprefix("Input ").removeprefix("Value "), ""
