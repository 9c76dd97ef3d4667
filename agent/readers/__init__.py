"""Readers turn the bytes of a dropped file into records of text cells; one module per family of formats, found by name.

Pure: no disk, network, clock or log. See `base` for what every reader promises. A module here that has
`FORMATS`, `claims` and `open_file` is a reader:

    FORMATS: tuple[str, ...]                                       what settings call what it reads
    claims(head: bytes, stream: BinaryIO, reading: Reading) -> str the format, when the content is surely one of its
    open_file(stream, reading: Reading, listener: Listener) -> OpenedFile

Which reader reads a file is said by the feed's `format`, or else by the content; never by the file's name.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, BinaryIO, cast

from agent.readers.archive import packing, unpacked
from agent.readers.base import refusal
from agent.readers.content import HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from agent.readers.base import Listener, OpenedFile, Reading

    class Reader(Protocol):
        """What a module that reads has."""

        FORMATS: tuple[str, ...]

        def claims(self, head: bytes, stream: BinaryIO, reading: Reading) -> str:
            """Name the format that the content surely is; "" when it is none of this reader's."""

        def open_file(self, stream: BinaryIO, reading: Reading, listener: Listener) -> OpenedFile:
            """Open the file; see `open_source`."""


__all__ = ["FALLBACK", "choose", "open_source", "readers"]

FALLBACK = (
    "csv"  # what a file is taken for when its content says nothing: text whose form is checked strictly
)


def readers() -> Mapping[str, Reader]:
    """Return every reader there is by the formats it reads, in the order of their names."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {
        name: cast("Reader", module)
        for module in sorted(modules, key=lambda module: module.__name__)
        for name in getattr(module, "FORMATS", ())
    }


def open_source(stream: BinaryIO, reading: Reading, listener: Listener) -> OpenedFile:
    """Open a seekable stream with the reader that its content, or the feed, asks for.

    Args:
        stream: the bytes, which must not change while they are read; never closed here.
        reading: how the feed wants its files read.
        listener: told of damaged records, and of what is remarkable about sound ones.

    Raises:
        RefusedFile: the file is of another format than the feed declares, or cannot be read as what it is.

    """
    stream.seek(0)
    packed = packing(stream.read(4))
    plain = unpacked(stream)
    form = choose(plain, reading)
    opened = readers()[form].open_file(plain, reading, listener)
    opened.detected = replace(opened.detected, format=form, packed=packed if plain is not stream else "")
    return opened


def choose(plain: BinaryIO, reading: Reading) -> str:
    """Choose the format as which a file is read.

    Raises:
        RefusedFile: E-TYPE, the content is surely another one than the feed declares.

    """
    plain.seek(0)
    head = plain.read(HEAD)
    known = readers()
    claimed = next((name for one in known.values() if (name := one.claims(head, plain, reading))), "")
    wanted = reading.format if reading.format != "auto" else claimed or FALLBACK
    if claimed and known[claimed] is not known[wanted] and wanted != FALLBACK:
        words = f"the file is {claimed} by its content; the feed declares `format: {wanted}`"
        raise refusal("E-TYPE", words, "drop it into the feed it belongs to, or mend the feed's `format:`")
    return wanted
