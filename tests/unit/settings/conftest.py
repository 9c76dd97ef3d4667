"""A destination for the settings' own tests, with fields of every form a channel may have."""

from typing import Annotated, Literal, Self

import pytest
from pydantic import Field, model_validator

from agent.settings.kinds import Kinds
from agent.settings.models import AckOptions, Destination, Seconds, Secret, WayOptions


class Sftp(Destination):
    """Where files go, like the real one but for its rules."""

    type: Literal["sftp"] = "sftp"
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    password: Secret | None = None
    private_key: Secret | None = None
    passphrase: Secret | None = None  # of the private key
    host_keys: Annotated[tuple[str, ...], Field(min_length=1)]
    directory: str = "/"
    publish: Literal["rename", "direct"] = "rename"
    look: bool = True
    deadline: Seconds = 900.0

    @model_validator(mode="after")
    def _proof(self) -> Self:
        if self.passphrase and not self.private_key:
            raise ValueError("has a passphrase but no private_key; leave it out")
        return self


class Mailbox(AckOptions):
    """Where answers come from, like the real ones."""

    type: Literal["mailbox"] = "mailbox"
    host: Annotated[str, Field(min_length=1)]
    password: Secret | None = None
    through: str = ""


class Webhook(WayOptions):
    """A way to tell people, like the real ones."""

    type: Literal["webhook"] = "webhook"
    url: Secret
    timeout: Annotated[Seconds, Field(gt=0, le=20)] = 10.0


@pytest.fixture
def kinds():
    """Return what `load` is given in place of the real channels."""
    return Kinds({"sftp": Sftp}, {"mailbox": Mailbox}, {"webhook": Webhook})
