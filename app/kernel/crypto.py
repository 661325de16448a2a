"""Tokens, keyed hashes and secrets at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


def random_token(characters: int) -> str:
    """A URL-safe random token of exactly this many characters (6 bits of entropy each)."""
    return secrets.token_urlsafe(characters)[:characters]


def sha256_hex(text: str) -> str:
    """SHA-256 of the text: how API keys are stored. Keys are long and random, so no salt is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def keyed_hash(secret: str, text: str) -> str:
    """HMAC-SHA-256 of the text under the secret: how session tokens are stored, so that a leaked table is useless alone."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class SecretBox:
    """Encrypts values at rest with the first key and reads values written with any of them (key rotation)."""

    def __init__(self, keys: list[str]) -> None:
        self._fernet = MultiFernet([Fernet(_fernet_key(key)) for key in keys])

    def seal(self, plain: str) -> str:
        """The encrypted form, printable."""
        return self._fernet.encrypt(plain.encode()).decode()

    def open(self, sealed: str) -> str:
        """The plain value; ValueError when no key fits."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("the stored secret was written with another encryption key") from error

    def reseal(self, sealed: str) -> str:
        """The same value under the newest key."""
        return self._fernet.rotate(sealed.encode()).decode()


def _fernet_key(key: str) -> bytes:
    """A Fernet key from any text, so that a person can set a pass phrase."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
