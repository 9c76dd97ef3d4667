"""Real servers for tests: OpenSSH's sshd on loopback, and a wire that can be cut.

Nothing here is skipped: where a program is missing, the test that needs it fails and says which.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from agent.channels.sftp import Channel, Options
from tests.listening import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "sshd"
_SFTP_SERVER = "/usr/lib/openssh/sftp-server"
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
PidFile none
UseDNS no
Subsystem sftp internal-sftp {arguments}
{more}
"""


class Sshd:
    """OpenSSH's own server, with its own host key and one key that may log in; files land in `inbox`.

    Args:
        folder: a private folder for keys, settings and log.
        arguments: of internal-sftp, for example `-P stat,lstat`.
        more: further lines of sshd_config.
    """

    def __init__(self, folder: Path, *, arguments: str = "", more: str = "") -> None:
        self.folder = folder
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)
        self.port = free_port()
        self.user_key = folder / "user_key"
        self.log = folder / "sshd.log"
        make_key(folder / "host_key")
        make_key(self.user_key)
        (folder / "authorized_keys").write_text(public(self.user_key))
        (folder / "sshd_config").write_text(
            _CONFIG.format(port=self.port, folder=folder, arguments=arguments, more=more)
        )

    @property
    def host_key_line(self) -> str:
        """The line for `host_keys`."""
        return public(self.folder / "host_key").strip()

    def options(self, **changes: Any) -> Options:
        """Return settings that reach this server."""
        return Options.model_validate(
            {
                "host": "127.0.0.1",
                "port": self.port,
                "username": user_name(),
                "private_key": {"file": str(self.user_key)},
                "host_keys": [self.host_key_line],
                "directory": str(self.inbox),
                "connect_timeout": "20s",
                "idle_timeout": "20s",
                **changes,
            }
        )

    def channel(self, **changes: Any) -> Channel:
        """Return a channel to this server."""
        return Channel(self.options(**changes), reveal)

    def processes(self) -> list[int]:
        """Return the processes that serve connections just now."""
        return descendants(self._process.pid)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the processes that serve connections; let them go on afterwards."""
        stopped = self.processes()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def kill_sessions(self) -> None:
        """Kill the processes that serve connections, not the server."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        command = [_SSHD, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.log)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(lambda: listening(self.port) or self._process.poll() is not None, "sshd to listen")
        assert self._process.poll() is None, self.log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.terminate()
        self._process.wait()


class Proxy:
    """A relay in front of a server that counts, limits and cuts what passes.

    `to_client` and `to_server` say how many bytes may pass that way (None: all). At a limit the relay
    either cuts the connection or, with `swallow`, lets the bytes vanish as a dead router would.
    """

    def __init__(self, port: int, *, swallow: bool = False, at: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._target, self._at = port, at
        self.swallow = swallow
        self.to_client: int | None = None
        self.to_server: int | None = None
        self.passed = {"client": 0, "server": 0}
        self.connections = 0
        self._open: list[socket.socket] = []

    def limit(self, towards: str, size: int | None) -> None:
        """Let so many bytes pass towards "client" or "server", counted from now; all in the other way."""
        self.passed = {"client": 0, "server": 0}
        self.to_client = size if towards == "client" else None
        self.to_server = size if towards == "server" else None

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def cut(self) -> None:
        """Cut every connection there is now."""
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._listener = Listener(self._came, self._at)
        self.port = self._listener.port
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.cut()
        self._listener.join()
        for sock in self._open:
            sock.close()

    def _came(self, client: socket.socket) -> None:
        self._open.append(client)
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # nobody is behind it just now; the next client may find somebody
            client.shutdown(socket.SHUT_RDWR)
            return
        self.connections += 1
        self._open.append(server)
        self._listener.start(self._pump, client, server, "server")
        self._listener.start(self._pump, server, client, "client")

    def _pump(self, source: socket.socket, sink: socket.socket, towards: str) -> None:
        with contextlib.suppress(OSError):
            while found := source.recv(65536):
                allowed = getattr(self, f"to_{towards}")
                passing = found if allowed is None else found[: max(allowed - self.passed[towards], 0)]
                self.passed[towards] += len(passing)
                if passing:
                    sink.sendall(passing)
                if len(passing) < len(found) and not self.swallow:
                    break
            else:  # the end of this direction, not of the other
                sink.shutdown(socket.SHUT_WR)
                return
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def reveal(secret: Any) -> bytes:
    """Read a secret the way tests keep them."""
    return secret.file.read_bytes() if secret.file else (secret.env or "").encode()


def make_key(path: Path, kind: str = "ed25519", *more: str) -> Path:
    """Make an SSH key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path), *more], check=True)
    return path


def public(path: Path) -> str:
    """Return the public line of a key pair."""
    return path.with_name(path.name + ".pub").read_text()


_GIVEN: set[int] = set()


def free_port() -> int:
    """Return a port nobody listens on just now, and none twice: who asks for two gets two."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = int(listener.getsockname()[1])
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def user_name() -> str:
    """Return who runs the tests: the only one an unprivileged sshd lets in."""
    import pwd  # noqa: PLC0415 - needed nowhere else

    return pwd.getpwuid(os.geteuid()).pw_name


def wait_until(true: Any, what: str, seconds: float = 10.0) -> None:
    """Wait for something that another process does; fail when it does not come."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited {seconds:g} s for {what}"
        time.sleep(0.002)


def listening(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def descendants(root: int) -> list[int]:
    """Return the processes below one, all the way down."""
    parents = {}
    for found in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = found.read_text()
            parents[int(found.parent.name)] = int(text.rpartition(")")[2].split()[1])
    wanted = [root]
    for process in wanted:
        wanted += [child for child, parent in parents.items() if parent == process]
    return wanted[1:]
