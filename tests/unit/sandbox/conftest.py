"""What tests of the stand-in ask for: its authority and its servers, on loopback."""

from __future__ import annotations

import contextlib
import itertools
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.sandbox import Authority, SandboxImap, SandboxSmtp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def made_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The stand-in's authority, made once."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusting(made_authority: Authority) -> ssl.SSLContext:
    """A client's context that trusts this authority, and checks names."""
    return ssl.create_default_context(cafile=str(made_authority.ca_file))


@pytest.fixture
def mail_server(made_authority: Authority, tmp_path: Path) -> Iterator[Callable[..., SandboxSmtp]]:
    """Start the stand-in's mail server; the arguments are those of `SandboxSmtp`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(
            SandboxSmtp(tmp_path / f"mail-{next(numbers)}", made_authority, **how)
        )


@pytest.fixture
def mailbox(made_authority: Authority) -> Iterator[SandboxImap]:
    """The stand-in's mailbox, empty."""
    with SandboxImap(made_authority, password='p"a\\ss') as server:
        yield server
