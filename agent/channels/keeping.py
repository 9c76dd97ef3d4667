"""What settings say of a server that keeps files, whatever it speaks: where they go, how, and how long it may take."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from agent.net.forms import Host  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.models import Destination, Seconds

__all__ = ["KeepingServer"]


class KeepingServer(Destination):
    """A destination where files stay under names; a channel adds its port, its login and what it alone has."""

    host: Host
    directory: str = ""  # where files are delivered; "" = where the login starts
    temp_directory: str = ""  # where they are while they travel; "" = the same folder, under a hidden name
    publish: Literal["rename", "direct"] = (
        "rename"  # direct: for servers that cannot rename; a half is visible
    )
    look: bool = True  # false: the server may not be asked whether a file is there
    sweeps: bool = True  # the server takes files away, so that a missing file proves nothing
    processed_directory: str = ""  # where the server puts the files it took, when the agent may list it
    connect_timeout: Seconds = 30.0  # for each connection, and again for greeting and login
    idle_timeout: Seconds = 60.0  # without any answer
    deadline: Seconds = 900.0  # for one batch, however busy the server is
    keepalive: Seconds = 30.0  # between signs of life on an idle connection

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if not (self.connect_timeout and self.idle_timeout and self.deadline):
            raise ValueError("needs deadlines longer than 0s: connect_timeout, idle_timeout and deadline")
        return self
