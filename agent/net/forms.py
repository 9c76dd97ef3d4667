"""How hosts and ports are written in the settings of whatever talks over a network."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

__all__ = ["Host", "Port"]


def _bare_host(text: str) -> str:
    if not text or any(sign in text for sign in "/@ \t") or text.count(":") == 1:
        raise ValueError(
            "is not a host name or address; user name, port and folder have settings of their own"
        )
    return text


Host = Annotated[str, AfterValidator(_bare_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
