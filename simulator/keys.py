"""Signing keys and certificates, made once per process: making them is slow."""

from dataclasses import dataclass
import datetime as dt
import functools
import hashlib
from pathlib import Path
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


@functools.cache
def rsa_key(name: str = "shared") -> rsa.RSAPrivateKey:
    """Return this process's RSA-2048 key of that name (RS256)."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def ec_key(name: str = "shared") -> ec.EllipticCurvePrivateKey:
    """Return this process's P-256 key of that name (ES256)."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A self-signed certificate with its key, as PEM, and its SHA-256 fingerprint."""

    pem: bytes
    fingerprint: bytes
    common_name: str

    def context(self) -> ssl.SSLContext:
        """Return a server context that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            # The ssl module loads keys from files only.
            path = Path(folder, "certificate.pem")
            path.write_bytes(self.pem)
            context.load_cert_chain(path)
        return context


@functools.cache
def certificate(common_name: str, generation: int = 0) -> Certificate:
    """Return a self-signed certificate; another `generation` is another certificate.

    Without a subject alternative name, valid from 1970 for about 100 years, as the firmware
    makes it. The key is P-256 instead of RSA-2048, which takes a second to make.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2069, 12, 31, tzinfo=dt.UTC))
        .sign(key, hashes.SHA256())
    )
    der = signed.public_bytes(serialization.Encoding.DER)
    pem = signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Certificate(pem=pem, fingerprint=hashlib.sha256(der).digest(), common_name=common_name)
