"""TLS certificate and key, checked before anything starts, and the key in the one form the server reads."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

from tellback.server.faults import BadCertificate

_PKCS8 = b"-----BEGIN PRIVATE KEY-----"


def check(certificate: Path, key: Path) -> None:
    """Raises `BadCertificate` when the two are not a readable pair, or the key wants a passphrase."""

    def no_passphrase() -> str:
        raise BadCertificate(f"the TLS key {key} is protected by a passphrase; give one that is not")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, no_passphrase)
    except ssl.SSLError as error:
        reason = (error.reason or "unreadable").lower().replace("_", " ")
        raise BadCertificate(f"{certificate} and {key} are no TLS certificate and key: {reason}") from None
    except OSError as error:
        raise BadCertificate(f"cannot read {certificate} or {key}: {error.strerror}") from None


def as_pkcs8(key: Path, folder: Path) -> Path:
    """`key` itself where it is PKCS#8 in PEM, else a copy that is, readable by us alone, in `folder`."""
    text = key.read_bytes()
    if _PKCS8 in text:
        return key
    copy = folder / "key.pem"
    with open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_converted(text))
    return copy


def _converted(text: bytes) -> bytes:
    # Here and not above: it is slow to import, and few keys need it.
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(_key_block(text), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _key_block(text: bytes) -> bytes:
    """The private key's own block: openssl writes EC parameters before it, some add the certificate."""
    label = b" PRIVATE KEY-----"
    end = text.index(label, text.index(label) + 1) + len(label)
    return text[text.rindex(b"-----BEGIN", 0, text.index(label)) : end] + b"\n"
