"""Whether all bytes of an XML document belong to the encoding that it declares."""

from __future__ import annotations

import re
from typing import BinaryIO

from agent.readers.base import refusal
from agent.readers.blocks import UnfitError, utf8_blocks
from agent.readers.content import HEAD, as_ascii

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def judge_encoding(stream: BinaryIO) -> str:
    """Look that all bytes belong to the encoding that the document declares; return that.

    Raises:
        RefusedFile: E-ENC, by its line.

    """
    stream.seek(0)
    head = stream.read(HEAD)
    found = _DECLARED.match(as_ascii(head))
    codec = _MARKS.get(head[:2]) or (found[1].decode().lower() if found else "utf-8")
    try:
        for _ in utf8_blocks(stream, 0, codec):
            pass
    except (
        LookupError,
        UnicodeError,
    ) as error:  # unknown, or UTF-16 by its own word and not by its first bytes
        words = f"the document declares the encoding {codec}: {error}"
        raise refusal("E-ENC", words, "export the file again as UTF-8", line=1) from None
    except UnfitError as unfit:
        unfit.find_line(stream, 0, codec)
        words = f"the document declares {codec}, but {unfit.words}"
        raise refusal("E-ENC", words, "export the file again as UTF-8", line=unfit.line) from None
    return codec
