"""Channels are found by their module's name."""

from __future__ import annotations

import subprocess
import sys

from agent import channels
from agent.channels import kinds, open_channel
from agent.channels.sftp import Channel, Options
from agent.settings.models import Destination


def test_each_kind_has_its_options() -> None:
    """A kind is a module with `Options` and `Channel`; helpers and packages are none."""
    assert kinds()["sftp"] is Options
    assert all(issubclass(options, Destination) for options in kinds().values())
    assert not {"base", "ssh"} & set(kinds())


def test_opened_by_its_type() -> None:
    """The settings' `type` leads to the channel; nothing is connected yet."""
    settings = {
        "host": "nowhere.invalid",
        "username": "u",
        "password": {"env": "P"},
        "host_keys": "SHA256:" + "A" * 43,
    }
    channel = open_channel(Options.model_validate(settings), lambda _: b"")
    assert isinstance(channel, Channel)
    channel.close()


def test_settings_are_read_without_the_ssh_library() -> None:
    """Commands that send nothing do not wait for paramiko to load."""
    program = "import sys, agent.channels; agent.channels.kinds(); sys.exit('paramiko' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert channels.__doc__
