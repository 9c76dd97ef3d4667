"""The settings of a mail relay: where it is, how it is protected, who we are there.

A mixin: a destination that sends mail has these fields beside its own.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.net.forms import Host, Port  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import Model, Seconds, Secret

__all__ = ["OAuth", "Relay"]

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _whole(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("is not a whole path; write it from / on")
    return path


def _https(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError("is no address of tokens; write one that begins with https://")
    return url


WholePath = Annotated[Path, AfterValidator(_whole)]


class OAuth(Model):
    """Where the access token for XOAUTH2 comes from: kept fresh by others, or asked for by the agent."""

    token: Secret | None = None  # either this: a token that something else keeps fresh, read at each login
    client_id: str = ""  # or these: asked for by the agent in the name of a registered application
    client_secret: Secret | None = None  # of that application
    authority: Annotated[str, AfterValidator(_https)] | None = (
        None  # https://login.microsoftonline.com/TENANT
    )
    scope: str = "https://outlook.office365.com/.default"  # what the token is for
    ca_file: WholePath | None = None  # trusted instead of the machine's own, when tokens are asked for

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        client = (bool(self.client_id), self.client_secret is not None, self.authority is not None)
        if (self.token is not None) == any(client) or (any(client) and not all(client)):
            raise ValueError("needs either a token or all of client_id, client_secret and authority")
        if self.client_id and importlib.util.find_spec("msal") is None:
            raise ValueError("needs what is not installed; install impact-batch-agent[oauth]")
        return self


class Relay(Model):
    """A server that takes mail for others, and how it is reached."""

    host: Host  # the relay's name, as in its certificate
    port: Port | None = None  # 587; 465 with `security: tls`, 25 with `none`
    security: Literal["starttls", "tls", "none"] = "starttls"  # none: with `allow_plain_smtp` only
    allow_plain_smtp: bool = False  # anybody on the way may read the mails and change them
    username: str = ""  # "" = the relay trusts us by our address
    password: Secret | None = None  # either this
    oauth: OAuth | None = None  # or this: XOAUTH2
    ca_file: WholePath | None = None  # PEM certificates trusted instead of the machine's own
    hello: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{0,255}$")] = ""  # our name; "" = found out
    connect_timeout: Seconds = 30.0  # for the connection, and again for greeting, TLS and login
    idle_timeout: Seconds = 300.0  # without any answer before the final dot
    final_timeout: Seconds = 600.0  # for the answer to the final dot
    deadline: Seconds = 1800.0  # for one mail up to its final dot, however busy the server is

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.security == "none") != self.allow_plain_smtp:
            raise ValueError(
                "must have both or neither of 'security: none' and 'allow_plain_smtp: true'; "
                "use starttls or tls where the server offers either"
            )
        if self.security == "none" and self.username:
            raise ValueError(
                "would send its password where anybody can read it; use starttls or tls, or no username"
            )
        return self

    @model_validator(mode="after")
    def _one_proof(self) -> Self:
        proofs = [proof for proof in (self.password, self.oauth) if proof is not None]
        if len(proofs) != bool(self.username):
            raise ValueError("needs one of password and oauth with a username, and neither without one")
        times = (self.connect_timeout, self.idle_timeout, self.final_timeout, self.deadline)
        if not all(times):
            raise ValueError(
                "needs deadlines longer than 0s: connect_timeout, idle_timeout, final_timeout and deadline"
            )
        return self

    @property
    def at_port(self) -> int:
        """Return the port: the one written, or the one that goes with the protection."""
        return self.port or _PORTS[self.security]
