"""A certificate authority of one's own, for servers on loopback: good certificates, and those to be refused."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

_SKEW = timedelta(minutes=5)
_LIFE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate and key; `both` is one file with the two."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """An authority whose own certificate is in `ca_file`.

    Args:
        folder: made if it is not there; everything is written below it.
        name: what the authority calls itself.
    """

    def __init__(self, folder: Path, name: str = "Test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._made = 0
        self.ca_file = folder / "ca.pem"
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        now = datetime.now(UTC)
        builder = _builder(self._name, self._name, self._key.public_key(), now - _SKEW, now + _LIFE)
        own = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(self._identifier(), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(own.public_bytes(Encoding.PEM))

    def certificate(self, *names: str, expired: bool = False) -> Certificate:
        """Make a server's certificate for names and addresses (default: localhost and 127.0.0.1)."""
        self._made += 1
        names = names or ("localhost", "127.0.0.1")
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        begin, end = (now - 2 * _LIFE, now - _LIFE) if expired else (now - _SKEW, now + _LIFE)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        signed = (
            _builder(subject, self._name, key.public_key(), begin, end)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        made = Certificate(
            *(self._folder / f"server-{self._made}.{ending}" for ending in ("crt", "key", "pem"))
        )
        made.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        made.key.touch(mode=0o600)
        made.key.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption_algorithm=NoEncryption())
        )
        made.both.touch(mode=0o600)
        made.both.write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
        return made

    def pair(self, *, name: str = "localhost", days: int = 1, self_signed: bool = False) -> tuple[Path, Path]:
        """Return the files of a certificate and its key for 127.0.0.1 and `name`.

        Args:
            name: another one than localhost leaves 127.0.0.1 out as well.
            days: until it ends; negative: ago.
            self_signed: by an authority of its own that nobody knows.
        """
        names = ("localhost", "127.0.0.1") if name == "localhost" else (name,)
        signer = Authority(self._folder / f"unknown-{self._made}", "Nobody") if self_signed else self
        made = signer.certificate(*names, expired=days < 0)
        return made.certificate, made.key

    def context(self, **how: Any) -> ssl.SSLContext:
        """Return a server's context; the arguments are those of `pair`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair(**how))
        return context

    def _identifier(self) -> x509.SubjectKeyIdentifier:
        return x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
