"""What a server says while the connection is made: heard at once, kept so that a refusal can name it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from paramiko.message import Message
from paramiko.packet import Packetizer

if TYPE_CHECKING:
    from agent.channels.ssh.pins import Pin

_KEXINIT = 20
_COOKIE = 16  # bytes in front of the lists
# What paramiko says is missing → which of the server's lists it is, and what we call it.
_LISTS = {
    "kex algorithm": (0, "key exchange"),
    "host key": (1, "host key"),
    "ciphers": (2, "cipher"),
    "macs": (4, "integrity"),
}


class Listener(Packetizer):
    """Keeps the server's first offer, and acknowledges at once while the connection is being made.

    Behind the login OpenSSH sends two small packets one after the other and only then switches off Nagle's
    algorithm: the second waits for the acknowledgement of the first, which the kernel puts off for 40 ms.
    """

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.offer = b""
        self.hurry: socket.socket | None = sock

    def read_message(self) -> tuple[int, Message]:
        """Read a message as ever."""
        kind, message = super().read_message()
        if kind == _KEXINIT and not self.offer:
            self.offer = message.asbytes()
        if self.hurry:
            self.hurry.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return kind, message


def no_common(said: str, packetizer: Packetizer, pinned: tuple[Pin, ...]) -> str:
    """Say in words what agent and server could not agree on."""
    found = next((each for missing, each in _LISTS.items() if missing in said), None)
    if found is None or not isinstance(packetizer, Listener) or not packetizer.offer:
        return f"the server does not speak SSH 2 as the agent does ({said})"
    message = Message(packetizer.offer)
    message.get_bytes(_COOKIE)
    index, name = found
    offered = ", ".join([message.get_list() for _ in range(index + 1)][index])
    if name == "host key":
        kinds = ", ".join(map(str, pinned))
        return (
            f"the server has no host key of a pinned kind; pinned: {kinds}; the server offers only: {offered}"
        )
    return f"the server offers only {name} algorithms that the agent does not take for safe: {offered}"
