"""Who is at the other end, and who we are: no secret to a stranger, no storm, no key found by chance."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

import agent
from agent.channels.sftp import Channel
from agent.channels.ssh import pins
from agent.errors import Permanent, Transient
from tests.servers import Sshd, make_key, public

if TYPE_CHECKING:
    import paramiko


class TestHostKey:
    def test_another_key_gets_no_secret(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """The server shows another key than the pinned: refused in plain words, before any login."""
        asked: list[str] = []
        real, impostor = stand_in(), stand_in(interfere=lambda request: asked.append(request.operation))
        channel = channel_to(impostor, host_keys=[real.host_key_line])
        with pytest.raises(Permanent, match="another host key than the pinned") as caught:
            channel.send(make_parcel(), pytest.fail)
        shown = pins.parse(impostor.host_key_line).fingerprint
        assert shown in str(caught.value)
        assert pins.parse(real.host_key_line).fingerprint in str(caught.value)
        assert (impostor.passwords_seen, asked) == ([], [])

    def test_a_key_of_another_kind(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, tmp_path: Path
    ) -> None:
        """The server has no key of the pinned kind: the words say which it has."""
        other = public(make_key(tmp_path / "other"))
        server = stand_in()
        with pytest.raises(
            Permanent, match=r"no host key of a pinned kind.*offers only: ecdsa-sha2-nistp256"
        ):
            channel_to(server, host_keys=[other]).send(make_parcel(), pytest.fail)
        assert server.passwords_seen == []

    def test_each_way_to_pin(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A key line, one with host name and comment, a fingerprint, one with its kind, one of several."""
        server = stand_in()
        line = server.host_key_line
        fingerprint = pins.parse(line).fingerprint
        other = "SHA256:" + "A" * 43
        for number, pinned in enumerate(
            (
                line,
                f"[127.0.0.1]:22 {line} our server",
                fingerprint,
                f"ecdsa-sha2-nistp256 {fingerprint}",
                [other, line],
            )
        ):
            channel = channel_to(server, host_keys=pinned)
            channel.send(make_parcel(name=f"{number}.csv"), lambda: None)
            channel.close()
        assert len(server.accepted) == 5

    def test_asks_for_the_pinned_kind(
        self, start_sshd: Any, inbox: Path, make_parcel: Any, tmp_path: Path
    ) -> None:
        """A server with several keys shows the pinned one, even if others are more to its liking."""
        rsa_key = make_key(tmp_path / "host_rsa", "rsa", "-b", "2048")
        server = start_sshd(more=f"HostKey {rsa_key}")
        channel = server.channel(directory=str(inbox), host_keys=public(rsa_key))
        assert "host key ssh-rsa" in channel.send(make_parcel(), lambda: None).evidence
        channel.close()


class TestLogin:
    def test_every_form_of_key(self, start_sshd: Any, inbox: Path, make_parcel: Any, tmp_path: Path) -> None:
        """Ed25519, RSA and ECDSA, in OpenSSH's and in the older forms, with a passphrase and without."""
        server = start_sshd()
        keys = _keys(server)
        lines = [key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) for key in keys]
        (server.folder / "authorized_keys").write_bytes(b"\n".join(lines))
        (tmp_path / "passphrase").write_text("open sesame\n")
        for number, (key, form, locked) in enumerate(
            (
                (keys[0], PrivateFormat.OpenSSH, True),
                (keys[0], PrivateFormat.PKCS8, False),
                (keys[1], PrivateFormat.TraditionalOpenSSL, False),
                (keys[1], PrivateFormat.PKCS8, True),
                (keys[2], PrivateFormat.TraditionalOpenSSL, True),
            )
        ):
            lock = BestAvailableEncryption(b"open sesame") if locked else NoEncryption()
            path = tmp_path / f"key-{number}"
            path.write_bytes(key.private_bytes(Encoding.PEM, form, lock))
            passphrase = {"passphrase": {"file": str(tmp_path / "passphrase")}} if locked else {}
            channel = server.channel(directory=str(inbox), private_key={"file": str(path)}, **passphrase)
            channel.send(make_parcel(name=f"{number}.csv"), lambda: None)
            channel.close()
        assert len(list(inbox.iterdir())) == 5

    def test_no_storm_of_refused_logins(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """Three refusals in an hour are enough: servers lock accounts. Afterwards it is tried again."""
        server = stand_in()
        now = [0.0]
        options = channel_to(server)._options
        channel = Channel(options, lambda _: b"wrong", clock=lambda: now[0])
        for _ in range(3):
            with pytest.raises(Permanent, match="refused the login"):
                channel.send(make_parcel(), pytest.fail)
        for now[0] in (1.0, 3599.0):
            with pytest.raises(Transient, match="3 times within an hour"):
                channel.send(make_parcel(), pytest.fail)
        assert len(server.passwords_seen) == 3
        now[0] = 3600.0
        with pytest.raises(Permanent):
            channel.send(make_parcel(), pytest.fail)
        assert len(server.passwords_seen) == 4

    def test_a_server_that_hangs_up_in_place_of_an_answer(
        self, stand_in: Any, channel_to: Any, make_parcel: Any
    ) -> None:
        """It may be a passing trouble, but it counts as a refusal."""
        server = stand_in(interfere=lambda request: server.cut() if request.operation == "login" else None)
        channel = channel_to(server)
        for _ in range(3):
            with pytest.raises(Transient, match="hung up"):
                channel.send(make_parcel(), pytest.fail)
        with pytest.raises(Transient, match="3 times within an hour"):
            channel.send(make_parcel(), pytest.fail)
        assert len(server.passwords_seen) == 3

    def test_a_way_to_log_in_that_is_not_offered(self, sshd: Sshd, make_parcel: Any, tmp_path: Path) -> None:
        """The words name the ways that are."""
        (tmp_path / "password").write_text("secret")
        channel = sshd.channel(private_key=None, password={"file": str(tmp_path / "password")})
        with pytest.raises(Permanent, match="only: publickey"):
            channel.send(make_parcel(), pytest.fail)

    def test_no_key_by_chance(
        self, sshd: Sshd, make_parcel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A running agent and a key in the usual place are not asked, even if they would let us in."""
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "id_ed25519").write_bytes(sshd.user_key.read_bytes())
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "agent"))
        listener.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        monkeypatch.setenv("HOME", str(tmp_path))
        stranger = make_key(tmp_path / "stranger")
        with pytest.raises(Permanent):
            sshd.channel(private_key={"file": str(stranger)}).send(make_parcel(), pytest.fail)
        listener.settimeout(0)
        with listener, pytest.raises(BlockingIOError):
            listener.accept()

    def test_a_secret_that_cannot_be_read(self, sshd: Sshd, make_parcel: Any, tmp_path: Path) -> None:
        """A missing or damaged key needs a person; nobody is called."""
        (tmp_path / "damaged").write_text("-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----\n")
        for name in ("missing", "damaged"):
            with pytest.raises(Permanent) as caught:
                sshd.channel(port=1, private_key={"file": str(tmp_path / name)}).send(
                    make_parcel(), pytest.fail
                )
            assert "CANARY" not in f"{caught.value} {caught.value.evidence}"


class TestAlgorithms:
    def test_strict_key_exchange(self, stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
        """A server open to the Terrapin attack is refused where the settings say so, else it is noted."""

        def without(transport: paramiko.Transport) -> None:
            transport.advertise_strict_kex = False  # type: ignore[attr-defined]

        server = stand_in(tune=without)
        with pytest.raises(Permanent, match="strict key exchange"):
            channel_to(server, require_strict_kex=True).send(make_parcel(), pytest.fail)
        assert server.passwords_seen == []
        assert "without strict key exchange" in channel_to(server).send(make_parcel(), lambda: None).evidence

    @pytest.mark.parametrize(
        ("list_", "offered", "words"),
        [
            ("ciphers", "aes128-cbc", "cipher"),
            ("digests", "hmac-md5", "integrity"),
        ],
    )
    def test_an_old_server(
        self, stand_in: Any, channel_to: Any, make_parcel: Any, list_: str, offered: str, words: str
    ) -> None:
        """A server with nothing but what is no longer safe is refused, and the words say what it offers."""

        def old(transport: paramiko.Transport) -> None:
            transport.get_security_options().ciphers = ("aes128-ctr",)
            setattr(transport.get_security_options(), list_, (offered,))

        with pytest.raises(Permanent, match=f"offers only {words} algorithms .*{offered}"):
            channel_to(stand_in(tune=old)).send(make_parcel(), pytest.fail)

    def test_the_best_that_is_offered(self, sshd: Sshd, inbox: Path, make_parcel: Any) -> None:
        """The fast cipher, strict key exchange and the sync to the server's disk are used where they are."""
        channel = sshd.channel(directory=str(inbox))
        evidence = channel.send(make_parcel(), lambda: None).evidence
        for words in ("aes128-gcm@openssh.com", "with strict key exchange", "on the server's disk"):
            assert words in evidence
        channel.close()

    def test_new_keys_under_way(self, start_sshd: Any, inbox: Path, make_parcel: Any) -> None:
        """A server that wants new keys every megabyte gets every byte, out and back."""
        content = bytes(range(256)) * 80_000
        channel = start_sshd(more="RekeyLimit 1M").channel(directory=str(inbox))
        parcel = make_parcel(content)
        channel.send(parcel, lambda: None)
        assert (inbox / parcel.name).read_bytes() == content
        assert "same content" in channel.look(parcel).evidence
        channel.close()


def test_nothing_in_the_agent_trusts_on_first_sight() -> None:
    """The shortcuts that would are nowhere in the code."""
    shortcuts = re.compile(
        r"AutoAddPolicy|WarningPolicy|SSHClient|look_for_keys|paramiko\.Agent|system_host_keys"
    )
    for module in Path(agent.__file__).parent.rglob("*.py"):
        assert not shortcuts.search(module.read_text()), module


def _keys(server: Sshd) -> list[Any]:
    own = load_ssh_private_key(server.user_key.read_bytes(), None)
    return [own, rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())]
