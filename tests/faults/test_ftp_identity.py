"""Who an FTP server is, and who we are: nothing secret to anybody who did not prove to be the one meant."""

from __future__ import annotations

import ssl
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels.ftp import Channel
from agent.errors import ChannelError, Permanent, Transient
from tests.certificates import Authority
from tests.ftp_scripts import PASSWORD, answering
from tests.ftp_servers import ProFtpd, Vsftpd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ftp_scripts import ScriptedFtp
    from tests.ftp_servers import FtpServer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The authority that the settings trust."""
    return Authority(tmp_path / "certificates")


@pytest.fixture
def scripted(authority: Authority, scripted_ftp: Any) -> Callable[..., ScriptedFtp]:
    """Start scripted servers under TLS; the arguments are those of `Script`."""
    how = {"certificate": authority.certificate(), "ca_file": authority.ca_file}
    return lambda **script: scripted_ftp(**{**how, **script})


def failed(channel: Channel, parcel: Any) -> ChannelError:
    """Send; return the failure, which tells no password, nor does what led to it."""
    with pytest.raises(ChannelError) as caught:
        channel.send(parcel, pytest.fail)
    channel.close()
    told = "".join(traceback.format_exception(caught.value)) + caught.value.evidence
    assert PASSWORD not in told
    return caught.value


class TestTheirs:
    @pytest.mark.parametrize("reply", ["502 not known", "534 no", "431 not now", "120 wait"])
    def test_no_tls(self, scripted: Any, make_parcel: Any, reply: str) -> None:
        """Whether the server offers none or somebody took the offer away: no name, no password."""
        server = scripted(otherwise={"AUTH": reply})
        error = failed(server.channel(), make_parcel())
        assert type(error) is Permanent
        assert "begins no TLS" in str(error)
        assert server.verbs[:1] == ["AUTH"]
        assert not {"USER", "PASS"} & set(server.verbs)

    def test_plain_words_for_a_handshake(self, scripted: Any, make_parcel: Any) -> None:
        """A yes to TLS, and then plain text: refused."""
        server = scripted(otherwise={"AUTH": answering("234 begin\r\n230 you are in")})
        error = failed(server.channel(), make_parcel())
        assert type(error) is Permanent
        assert not {"USER", "PASS"} & set(server.verbs)

    @pytest.mark.parametrize(
        ("names", "expired", "words"),
        [
            (("ftp.example.net",), False, "IP address mismatch"),
            (("127.0.0.1",), True, "expired"),
        ],
    )
    def test_wrong_certificate(
        self, authority: Any, scripted: Any, make_parcel: Any, names: Any, expired: Any, words: str
    ) -> None:
        """Another name or a certificate that ran out: a person must look, and nothing secret was sent."""
        server = scripted(certificate=authority.certificate(*names, expired=expired))
        error = failed(server.channel(), make_parcel())
        assert type(error) is Permanent
        assert words in str(error)
        assert server.said == ["AUTH TLS"]

    def test_another_authority(self, tmp_path: Path, scripted: Any, make_parcel: Any) -> None:
        """A certificate that nobody vouches for is none; the machine's own authorities neither."""
        other = Authority(tmp_path / "others", "Another authority")
        server = scripted(certificate=other.certificate())
        for trusted in ({}, {"ca_file": None}):
            error = failed(server.channel(**trusted), make_parcel())
            assert type(error) is Permanent
            assert "certificate was not accepted" in str(error)
        assert set(server.said) == {"AUTH TLS"}

    def test_no_such_ca_file(self, tmp_path: Path, scripted: Any, make_parcel: Any) -> None:
        """Without the file there is nobody to trust; with an empty one neither."""
        (tmp_path / "empty.pem").write_text("")
        for name, words in (("missing.pem", "No such file"), ("empty.pem", "no certificate")):
            error = failed(scripted().channel(ca_file=tmp_path / name), make_parcel())
            assert type(error) is Permanent
            assert words in str(error)

    def test_second_connection_unprotected(self, scripted: Any, make_parcel: Any) -> None:
        """A server that would have the batch travel in the clear gets none."""
        server = scripted(otherwise={"PROT": "536 no"})
        assert type(failed(server.channel(), make_parcel())) is Permanent
        assert "STOR" not in server.verbs

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_session_is_taken_up_again(self, scripted: Any, make_parcel: Any, version: Any) -> None:
        """Every second connection resumes the first one's session, by either version of TLS."""
        server = scripted()
        server.context.maximum_version = version
        channel = server.channel()
        for number in range(3):
            channel.send(make_parcel(name=f"{number}.csv"), lambda: None)
            channel.look(make_parcel(name=f"{number}.csv"))
        channel.close()
        assert server.resumed == [True] * 6

    @pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
    def test_tls_from_the_first_byte(self, start_ftp: Any, make_parcel: Any, kind: type[FtpServer]) -> None:
        """The implicit form works too, with real servers."""
        more = "TLSOptions UseImplicitSSL" if kind is ProFtpd else ""
        server = start_ftp(kind, security="tls", more=more)
        channel = server.channel()
        receipt = channel.send(make_parcel(), lambda: None)
        channel.close()
        assert receipt.how == "verified"
        assert "TLSv1.3" in receipt.evidence

    @pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
    def test_plain_where_it_is_allowed(self, start_ftp: Any, make_parcel: Any, kind: type[FtpServer]) -> None:
        """Two settings together turn TLS off, and then it is not tried."""
        server = start_ftp(kind, security="none")
        channel = server.channel()
        receipt = channel.send(make_parcel(), lambda: None)
        assert channel.look(make_parcel()).found is True
        channel.close()
        assert "TLS" not in receipt.evidence


class TestOurs:
    @pytest.mark.parametrize("step", ["PASS", "TYPE", "PBSZ"])
    def test_a_password_told_back(self, scripted: Any, make_parcel: Any, step: str) -> None:
        """A server that quotes the password in its answers does not make us tell it."""
        server = scripted(otherwise={step: f"530 what is {PASSWORD}?"})
        error = failed(server.channel(), make_parcel())
        assert "(hidden)" in error.evidence

    def test_three_refusals_are_enough(self, scripted: Any, make_parcel: Any) -> None:
        """After three the agent waits, so that no account gets locked."""
        server = scripted(otherwise={"PASS": "530 no"})
        channel = server.channel()
        ends = [failed(channel, make_parcel()) for _ in range(5)]
        assert [type(end) for end in ends] == [Permanent] * 3 + [Transient] * 2
        assert server.verbs.count("PASS") == 3

    def test_a_busy_server_is_no_refusal(self, scripted: Any, make_parcel: Any) -> None:
        """Goodbyes and silence at the login say nothing about the password."""
        server = scripted(otherwise={"PASS": "421 too many of you"})
        channel = server.channel()
        assert [type(failed(channel, make_parcel())) for _ in range(5)] == [Transient] * 5
        assert server.verbs.count("PASS") == 5

    @pytest.mark.parametrize("secret", [b"line\r\nDELE x", b"nul\0", b"tab\t"])
    def test_signs_that_end_a_command(self, scripted: Any, make_parcel: Any, secret: bytes) -> None:
        """A password that would become two commands is never sent."""
        server = scripted()
        channel = Channel(server.options(), lambda _: secret)
        assert type(failed(channel, make_parcel())) is Permanent
        assert not {"PASS", "DELE"} & set(server.verbs)

    def test_no_password_to_be_had(self, scripted: Any, make_parcel: Any) -> None:
        """Without a password nobody is asked; what is no text is none."""

        def missing(_: Any) -> bytes:
            raise FileNotFoundError(2, "No such file or directory")

        server = scripted()
        for reveal in (missing, lambda _: b"\xff\xfe"):
            channel = Channel(server.options(), reveal)
            assert type(failed(channel, make_parcel())) is Permanent
        assert server.said == []

    def test_a_login_without_a_password(self, scripted: Any, make_parcel: Any) -> None:
        """Where the user name is enough, the password stays here."""
        server = scripted(otherwise={"USER": "230 come in"})
        channel = server.channel()
        channel.send(make_parcel(), lambda: None)
        channel.close()
        assert "PASS" not in server.verbs
