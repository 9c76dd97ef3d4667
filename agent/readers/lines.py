"""A binary stream as lines of text, in small blocks, each announced before it is read on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.readers.encoding import Encoding

BLOCK = 16_384  # bytes; half of the longest cell allowed, so that a longer one fills a whole block


class _Blocks(io.BufferedIOBase):
    """What a TextIOWrapper reads from; lets go of the stream without closing it."""

    def __init__(self, stream: BinaryIO, before: Callable[[int], None] | None) -> None:
        self._stream, self._before = stream, before

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1, /) -> bytes:
        del size  # the wrapper asks for less than is fastest
        block = self._stream.read(BLOCK)
        if self._before:
            self._before(len(block))
        return block


def text_lines(
    stream: BinaryIO, encoding: Encoding, before: Callable[[int], None] | None = None
) -> Iterator[str]:
    """Yield the stream's lines with their line ends; `before(size)` is called as each block comes in.

    Only CR, LF and CRLF part lines. Universal line ends cost time, so they are for files with a lone CR.
    """
    stream.seek(len(encoding.mark))
    newline = "" if encoding.lone_cr else "\n"
    blocks = cast("BinaryIO", _Blocks(stream, before))  # it has all that the wrapper uses
    return io.TextIOWrapper(blocks, encoding=encoding.codec, newline=newline)
