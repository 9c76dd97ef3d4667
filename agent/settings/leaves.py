"""A single text read as what a field asks for: true or false, a number, one of a few words, a path. Pure.

Numbers are read as people write them and no other way: 012, 1_000 and 1e3 mean different things to different
programs, so they are refused. Where a model brings a validator of its own for the text, that one decides.
"""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BeforeValidator, PlainValidator, WrapValidator

from agent.settings.problems import nearest, shown

__all__ = ["Wrong", "bare", "holds", "read"]

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_OWN_READING = (BeforeValidator, PlainValidator, WrapValidator)
_FLAGS = {"true": True, "false": False}


class Wrong(Exception):  # noqa: N818 - named for what the value is
    """A value that cannot be used; `words` continue it."""

    def __init__(self, code: str, words: str, mend: str = "") -> None:
        self.code = code
        self.words = words
        self.mend = mend
        super().__init__(words)


def read(text: str, form: object) -> object:
    """Return what pydantic is to be given for a text where a field has this form, or raise Wrong."""
    if _UNUSABLE.search(text):
        raise Wrong(
            "C-VALUE", "holds a sign that no text can have", "look at what stands behind the backslashes"
        )
    if choices := _choices(form):
        return _choice(text, choices)
    if form is bool:
        return _flag(text)
    if form is int and not _WHOLE.fullmatch(text):
        raise Wrong("C-TYPE", "is not a whole number", "write digits only, such as 22")
    if form in (float, Decimal) and not _NUMBER.fullmatch(text):
        raise Wrong(
            "C-TYPE", "is not a number", "write it with a point and without any other sign, such as 999.99"
        )
    if form is Path:
        return _path(text)
    return text


def bare(form: object) -> tuple[object, bool]:
    """Take a form's annotations off; tell whether one of them reads the text by itself."""
    own = False
    while get_origin(form) is Annotated:
        form, *notes = get_args(form)
        own = own or any(isinstance(note, _OWN_READING) for note in notes)
    return form, own


def holds(form: object, wanted: type) -> bool:
    """Tell whether a form is of this type or has it in one of its parts."""
    return form is wanted or any(holds(part, wanted) for part in get_args(form))


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise Wrong("C-TYPE", "is neither true nor false", "write true or false")
    return _FLAGS[text]


def _path(text: str) -> Path:
    if not text:
        raise Wrong("C-VALUE", "is no path", "write the path of a folder or file")
    if text.startswith("~"):
        raise Wrong("C-VALUE", "begins with ~, which is another folder for each user", "write the whole path")
    return Path(text)


def _choices(form: object) -> dict[str, object]:
    """Return the values a field may have, by the text they are written as; none where any may be."""
    if get_origin(form) is Literal:
        return {str(choice): choice for choice in get_args(form)}
    if isinstance(form, type) and issubclass(form, Enum):
        return {str(member.value): member.value for member in form}
    return {}


def _choice(text: str, choices: dict[str, object]) -> object:
    if text in choices:
        return choices[text]
    plain = all(re.fullmatch(r"[\w-]+", word) for word in choices)
    words = ", ".join(choices if plain else [shown(word) for word in choices])
    meant = nearest(text, choices)
    raise Wrong(
        "C-VALUE",
        f"is none of {words}" if len(choices) > 1 else f"is not {words}",
        f"did you mean '{meant}'?" if meant else "",
    )
