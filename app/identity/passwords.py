"""Password hashes: bcrypt over base64(SHA-256(password)).

bcrypt reads at most 72 bytes of its input; the digest in front of it makes every character of a long password count. It is
base64 text because bcrypt's input may hold no zero byte.
"""

from __future__ import annotations

import base64
import hashlib

import bcrypt

ROUNDS = 12
UNUSABLE = "!"
"""Stored for an account that nobody can sign in to."""

# Compared with when there is no account, so that the answer takes as long as for a wrong password.
NOBODY = b"$2b$12$LJqv.2LwosG2k3hdM/byaOpaF6YiQsxZrYVQrBDr5P1DSLNH/gnc6"


def hash_password(password: str) -> str:
    """The hash to store; takes a noticeable part of a second by design, so never call it inside a transaction."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(ROUNDS)).decode()


def verify_password(password: str, stored: str | None) -> bool:
    """Whether the password fits the stored hash. Without one, and with an unusable one, it takes as long and answers no."""
    if stored is None or stored == UNUSABLE:
        bcrypt.checkpw(_digest(password), NOBODY)
        return False
    return bcrypt.checkpw(_digest(password), stored.encode())


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode()).digest())
