"""Ed25519 keys of checkpoints (RFC 8032): making, sealing at rest, signing, checking."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.audit_chain.contracts import Checkpoint
from app.audit_chain.hashing import checkpoint_message


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name of its public one."""

    key_id: str
    private: Ed25519PrivateKey

    @property
    def public_text(self) -> str:
        """The public key's 32 bytes in Base64."""
        return base64.b64encode(_raw(self.private.public_key())).decode()

    @property
    def private_text(self) -> str:
        """The private key's 32 bytes in Base64, to be sealed and never shown."""
        return base64.b64encode(self.private.private_bytes_raw()).decode()

    def signed(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with this key's name and signature."""
        named = replace(checkpoint, key_id=self.key_id)
        return replace(named, signature=base64.b64encode(self.private.sign(checkpoint_message(named))).decode())


def make_key() -> SigningKey:
    """A fresh key."""
    return _named(Ed25519PrivateKey.generate())


def open_key(private_text: str) -> SigningKey:
    """The key of `SigningKey.private_text`. ValueError for anything else."""
    return _named(Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_text, validate=True)))


def key_id_of(public_text: str) -> str:
    """The name of a public key: the first 16 digits of its SHA-256. ValueError when it is no Ed25519 key."""
    return _key_id(_raw(_public(public_text)))


def is_signed(checkpoint: Checkpoint, keys: Mapping[str, str]) -> bool:
    """Whether one of the keys (public text by key id) signed exactly this checkpoint."""
    public_text = keys.get(checkpoint.key_id)
    return public_text is not None and is_signed_by(public_text, checkpoint.signature, checkpoint_message(checkpoint))


def is_signed_by(public_text: str, signature: str, message: bytes) -> bool:
    """Whether the Base64 signature of the message is of this key."""
    try:
        _public(public_text).verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_texts(text: str) -> list[str]:
    """The public keys in a text: Base64, one a line, or PEM. ValueError when there is none or one is wrong."""
    if "-----BEGIN" in text:
        key = serialization.load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("the PEM holds no Ed25519 key")
        return [base64.b64encode(_raw(key)).decode()]
    found = [word for line in text.splitlines() if (word := line.split("#")[0].strip())]
    if not found:
        raise ValueError("there is no public key")
    for word in found:
        _public(word)
    return found


def _named(private: Ed25519PrivateKey) -> SigningKey:
    return SigningKey(_key_id(_raw(private.public_key())), private)


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except binascii.Error as fault:
        raise ValueError("the public key is no Base64") from fault


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes_raw()


def _key_id(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
