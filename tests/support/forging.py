"""Tokens that are none, made from one that is good (RFC 8725, section 2)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def forged(token: str) -> dict[str, str]:
    """By what was tried."""
    head, body, signature = token.split(".")
    header, payload = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    others = Ed25519PrivateKey.generate()
    public = others.public_key().public_bytes_raw()
    own_key = {"kty": "OKP", "crv": "Ed25519", "x": _text(public)}
    symmetric = f"{_coded(header | {'alg': 'HS256'})}.{body}"
    mac = hmac.new(public, symmetric.encode(), hashlib.sha256).digest()
    by_kid = hmac.new(str(header["kid"]).encode(), symmetric.encode(), hashlib.sha256).digest()
    unbound = {name: value for name, value in payload.items() if name != "exp"}
    return {
        "no algorithm": f"{_coded(header | {'alg': 'none'})}.{body}.",
        "no algorithm, signature kept": f"{_coded(header | {'alg': 'nOnE'})}.{body}.{signature}",
        "signature cut off": f"{head}.{body}.",
        "signature cut short": f"{head}.{body}.{signature[:-8]}",
        "claims changed": f"{head}.{_coded(payload | {'claims': ['hub_read', 'hub_write', 'errand_data']})}.{signature}",
        "another workspace": f"{head}.{_coded(payload | {'aud': 'other'})}.{signature}",
        "another key's name": f"{head}.{_coded(payload | {'sub': 'someone'})}.{signature}",
        "no end": f"{head}.{_coded(unbound | {'exp': 4102444800})}.{signature}",
        "public key as a shared secret": f"{symmetric}.{_text(mac)}",
        "key id as a shared secret": f"{symmetric}.{_text(by_kid)}",
        "signed by another key": jwt.encode(payload, others, "EdDSA", headers={"kid": header["kid"]}),
        "brings its own key": jwt.encode(
            payload, others, "EdDSA", headers={"kid": header["kid"], "jwk": own_key}
        ),
        "says where its key is": jwt.encode(
            payload, others, "EdDSA", headers={"kid": header["kid"], "jku": "http://127.0.0.1:9/keys"}
        ),
        "unknown key id": f"{_coded(header | {'kid': '../../../dev/null'})}.{body}.{signature}",
        "key id that is none": f"{_coded(header | {'kid': {'a': 1}})}.{body}.{signature}",
        "no key id": f"{_coded({'alg': header['alg']})}.{body}.{signature}",
        "another type": f"{_coded(header | {'typ': 'at+jwt'})}.{body}.{signature}",
        "head that is no object": f"{_coded([1])}.{body}.{signature}",
        "body that is no object": f"{head}.{_coded('text')}.{signature}",
        "deep head": f"{_text(b'[' * 2000)}.{body}.{signature}",
        "no token": "a.b.c",
        "two parts": f"{head}.{body}",
        "five parts": "a.b.c.d.e",
        "no base64": f"{head}.{body}.!!!",
        "not of this alphabet": "é.ü.ö",
        "too long": f"{head}.{body}.{'A' * 20_000}",
    }


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _coded(value: Any) -> str:
    return _text(json.dumps(value).encode())
