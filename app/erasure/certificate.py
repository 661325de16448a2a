"""The signed statement that somebody's records are gone. Pure; anybody can verify it without the instance."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.audit_chain.hashing import canonical
from app.audit_chain.signing import SigningKey, is_signed_by, key_id_of

FORMAT: Final = "plumbline-erasure-1"
_MESSAGE: Final = "plumbline-erasure-certificate-1"
_MEMBERS: Final = frozenset(
    {
        "format", "erasure_id", "project", "project_id", "user_hash", "hash", "requested_at", "completed_at",
        "before", "after", "kept", "key_id", "public_key", "signature",
    }
)  # fmt: skip


class NotACertificate(Exception):
    """The file is no certificate of an erasure; the text says why."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a certificate says, and why it does not hold; an empty `fault` means that it does."""

    certificate: Mapping[str, Any]
    fault: str
    is_key_trusted: bool


def signed(body: Mapping[str, Any], key: SigningKey) -> str:
    """The statement with the key's name and signature, as JSON text."""
    whole = {"format": FORMAT, **body, "key_id": key.key_id, "public_key": key.public_text}
    signature = base64.b64encode(key.private.sign(_message(whole))).decode()
    return json.dumps({**whole, "signature": signature}, indent=2, ensure_ascii=False) + "\n"


def verify(text: bytes, trusted: Sequence[str] = ()) -> Verified:
    """Check signature and counts, by the public keys given or else by the one in the file. NotACertificate."""
    found = _read(text)
    public = str(found["public_key"])
    fault = ""
    if trusted and public not in trusted:
        fault = "it is signed with a key that is not the one you trust"
    elif found["key_id"] != _key_id(public):
        fault = "the name of its key does not fit the key"
    elif not is_signed_by(public, str(found["signature"]), _message(found)):
        fault = "it was changed: the signature does not fit"
    elif any(count != 0 for count in found["after"].values()):
        fault = "it says itself that records were left"
    return Verified(found, fault, is_key_trusted=bool(trusted) and not fault)


def _read(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise NotACertificate("the file is no JSON") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise NotACertificate("the file is no certificate of an erasure, or one of a format this version does not read")
    if set(found) != _MEMBERS or not isinstance(found["after"], dict) or not isinstance(found["before"], dict):
        raise NotACertificate("the certificate is not whole")
    return found


def _key_id(public: str) -> str:
    try:
        return key_id_of(public)
    except ValueError:
        return ""


def _message(certificate: Mapping[str, Any]) -> bytes:
    return canonical([_MESSAGE, {name: value for name, value in certificate.items() if name != "signature"}])
