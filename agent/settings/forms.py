"""How single values are written in the settings, and how each is read: times, shares, sizes, names, patterns.

A validator's words continue the key's name ("is not a length of time"); behind "; " they say how to mend it.
Digits are few everywhere, so that no number is beyond what the system can wait, store or count.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated, Literal

from iso4217 import raw_table
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

__all__ = [
    "DELIMITERS",
    "NAME",
    "PERCENT",
    "TERM",
    "TIME",
    "Address",
    "Bytes",
    "Codecs",
    "Count",
    "Currency",
    "DateForms",
    "Delimiter",
    "Ending",
    "Extension",
    "FilePattern",
    "Format",
    "Limit",
    "Listen",
    "Minuses",
    "Name",
    "Rows",
    "Seconds",
    "Share",
    "Signs",
    "TemplateName",
    "Term",
    "Text",
    "User",
    "Wildcards",
    "listening",
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "B": 1, "kB": 1000, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_LONGEST_NAME = 255  # characters, of a file name as of whatever else is looked into here
_WHOLE = 100  # percent
TIME = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)"
TERM = f"none|{TIME}"
LISTEN = r"(?:\[(?P<six>[0-9A-Fa-f:.]{2,45})\]|(?P<four>[0-9.]{7,15})):(?P<port>[0-9]{1,5})"
_PORTS = 65536
PERCENT = r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # one part of a domain
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_WORD}(?:\.{_WORD})*@{LABEL}(?:\.{LABEL})*")
_LONGEST_ADDRESS = 254  # RFC 5321 allows 256 for a path, with its brackets
_USER = r"[0-9]{1,9}|[A-Za-z_][A-Za-z0-9_.-]{0,63}"  # a user's number or login name
_AMOUNT_OF_BYTES = r"([0-9]{1,12})\s*(B|kB|MB|GB|KiB|MiB|GiB)?"


def _seconds(value: object) -> object:
    if isinstance(value, str) and (found := re.fullmatch(TIME, value.strip())):
        return float(found[1]) * _UNITS[found[2]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("is not a length of time; write a number and a unit, such as 10s, 5m, 2h")


def _term(value: object) -> object:
    if value is None or value == "none":
        return None
    try:
        return _seconds(value)
    except ValueError:
        raise ValueError("is no length of time; write one such as 10m or 26h, or none") from None


def _share(value: object) -> object:
    if isinstance(value, str) and (found := re.fullmatch(PERCENT, value.strip())):
        if float(found[1]) > _WHOLE:
            raise ValueError("is more than the whole; write a percentage from 0% to 100%")
        return float(found[1]) / _WHOLE
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("is not a share; write a percentage such as 10%")


def _size(value: object) -> object:
    if isinstance(value, str) and (found := re.fullmatch(_AMOUNT_OF_BYTES, value.strip())):
        return int(found[1]) * _SIZES[found[2] or ""]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("is not a size; write a number and a unit, such as 64MiB")


def _delimiter(value: object) -> object:
    found = DELIMITERS.get(value, value) if isinstance(value, str) else value
    if found not in ("auto", *DELIMITERS.values()):
        raise ValueError(
            f"is not a delimiter; write auto, {', '.join(DELIMITERS)} or the sign itself in quotes"
        )
    return found


def _wildcards(text: str) -> str:
    if not text or "/" in text or len(text) > _LONGEST_NAME:
        raise ValueError("is not a pattern for file names; write one such as *.csv, without folders")
    if re.search(r"\[(?!!?\]?[^]]*\])", text):
        raise ValueError("has a '[' that is never closed; write [[] where the sign itself is meant")
    return text


def _codec(name: str) -> str:
    try:
        " ".encode(name[:_LONGEST_NAME])
    except (LookupError, ValueError):
        raise ValueError("is not an encoding known here; write one such as utf-8 or windows-1252") from None
    return name


def _date_form(form: str) -> str:
    moment = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    if len(form) > _LONGEST_NAME:
        raise ValueError("is longer than any date")
    try:
        read = datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - only whether the form can be read back
    except (ValueError, re.error):
        raise ValueError("is not a date form; write one such as %Y-%m-%d or %d.%m.%Y %H:%M") from None
    if "%" not in form:
        raise ValueError("has no % sign, so it matches no date; write a form such as %Y-%m-%d")
    if "%Z" in form:
        raise ValueError("has %Z, and names of zones are not unique; write %z for an offset such as +0200")
    if read.date() != moment.date():
        raise ValueError("tells no whole date; write day, month and year, such as %d.%m.%Y")
    return form


def _currency(code: str) -> str:
    if code and not str(raw_table.get(code, {}).get("CcyMnrUnts")).isdecimal():
        raise ValueError("is not a currency code; write the three capital letters of ISO 4217, such as EUR")
    return code


def _ending(text: str) -> str:
    if "/" in text:
        raise ValueError("is not the end of a file name; write one such as .done")
    return text


def _file_pattern(text: str) -> str:
    if "/" in text:
        raise ValueError("is a pattern for a file name, so it has no folders; write one such as acme_*.csv")
    return text


def _extension(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9]{1,10}", text):
        raise ValueError("is not the end of a file name; write csv or xml, without a dot")
    return text


def _address(text: str) -> str:
    """Only plain ASCII is understood: other signs could end a command or a header and begin another."""
    if len(text) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(text):
        raise ValueError("is not a mail address; write name@domain, without a person's name and brackets")
    return text


def _user(text: str) -> str:
    if not re.fullmatch(_USER, text):
        raise ValueError("is not a user of this machine; write a login name, or a number")
    return text


def listening(text: str) -> tuple[str, int]:
    """Return address and port of a place to listen at, such as 127.0.0.1:9187 or [::1]:9187.

    Raises:
        ValueError: it is not written so.

    """
    found = re.fullmatch(LISTEN, text)
    try:
        address = str(ip_address(found["six"] or found["four"])) if found else ""
        port = int(found["port"]) if found else 0
    except ValueError:
        address, port = "", 0
    if not address or not 0 < port < _PORTS:
        raise ValueError("is not an address with a port; write one such as 127.0.0.1:9187")
    return address, port


def _listen(text: str) -> str:
    listening(text)
    return text


def _form(pattern: str, about: str, *examples: str) -> WithJsonSchema:
    """Describe a text that a validator here reads as a number."""
    text = {"type": "string", "pattern": f"^{pattern}$", "description": about, "examples": list(examples)}
    return WithJsonSchema(text)


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(ge=0),
    _form(TIME, "A length of time: a number and ms, s, m, h or d", "10s", "5m", "26h"),
]
Term = Annotated[
    float | None,
    BeforeValidator(_term),
    _form(f"(?:{TERM})", "A length of time, or none for no limit", "1h", "26h", "none"),
]
Share = Annotated[
    float, BeforeValidator(_share), Field(ge=0, le=1), _form(PERCENT, "A percentage from 0% to 100%", "10%")
]
Bytes = Annotated[
    int,
    BeforeValidator(_size),
    Field(ge=0),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": f"^{_AMOUNT_OF_BYTES}$",
            "minimum": 0,
            "description": "A size: a number of bytes, or a number and kB, MB, GB, KiB, MiB or GiB",
            "examples": ["64MiB", "2GB"],
        }
    ),
]
NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME)]
TemplateName = Annotated[str, Field(min_length=1)]
Extension = Annotated[str, AfterValidator(_extension)]
Currency = Annotated[str, AfterValidator(_currency)]
Ending = Annotated[str, AfterValidator(_ending)]
Address = Annotated[str, AfterValidator(_address)]
User = Annotated[str, AfterValidator(_user)]
Listen = Annotated[str, AfterValidator(_listen)]
FilePattern = Annotated[str, AfterValidator(_file_pattern)]
Minuses = Annotated[tuple[Literal["before", "behind", "brackets"], ...], Field(min_length=1)]
Signs = tuple[Annotated[str, Field(min_length=1)], ...]
Wildcards = Annotated[tuple[Annotated[str, AfterValidator(_wildcards)], ...], Field(min_length=1)]
Codecs = Annotated[tuple[Annotated[str, AfterValidator(_codec)], ...], Field(min_length=1)]
DateForms = Annotated[tuple[Annotated[str, AfterValidator(_date_form)], ...], Field(min_length=1)]
Rows = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
Format = Literal["auto", "csv", "xlsx", "xls", "xlsb", "ods", "xml2003", "json", "ndjson", "xml", "fixed"]
Limit = Annotated[Decimal, Field(gt=0)]
Delimiter = Annotated[
    Literal["auto", ",", ";", "\t", "|"],
    BeforeValidator(_delimiter),
    WithJsonSchema({"enum": ["auto", *DELIMITERS, *DELIMITERS.values()]}),
]
