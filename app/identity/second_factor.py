"""One-time codes (TOTP, RFC 6238: HMAC-SHA-1, six digits, thirty seconds) and recovery codes. No database here."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

import segno

from app.kernel.crypto import sha256_hex
from app.kernel.errors import Forbidden, Unauthorized

STEP_SECONDS: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1
"""How many steps a client's clock may be off, either way."""
RECOVERY_CODES: Final = 10

_ISSUER: Final = "Plumbline"
_SECRET_BYTES: Final = 20
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else on paper
_GROUPS: Final = 4
_GROUP_CHARACTERS: Final = 4


class CodeRequired(Unauthorized):
    """The password was right, and the account asks for a code beside it."""

    code = "second_factor_required"


class SecondFactorMissing(Forbidden):
    """The installation asks everybody for a second factor, and the signed-in person has none yet."""

    code = "second_factor_missing"


class CodeRefused(Unauthorized):
    """The code is wrong, out of its time, or was used before."""

    code = "second_factor_refused"


def new_secret() -> str:
    """A fresh shared secret in Base32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def step_of(moment: datetime) -> int:
    """The time step the moment falls into."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int, *, digits: int = DIGITS) -> str:
    """The code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: str, code: str, now: datetime, *, after: int | None = None) -> int | None:
    """The step that the code belongs to, at most one beside the present one and later than `after`; None for a wrong code."""
    present = step_of(now)
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if (after is None or step > after) and hmac.compare_digest(code_at(secret, step), code):
            return step
    return None


def plain_code(text: str) -> str:
    """What was typed without the blanks and dashes that only help to read it."""
    return "".join(character for character in text.casefold() if character not in " -\t\u00a0")


def is_totp_code(plain: str) -> bool:
    """Whether this can be a code of an app; everything else may be a recovery code."""
    return len(plain) == DIGITS and plain.isascii() and plain.isdigit()


def new_recovery_codes() -> list[str]:
    """Ten codes of 79 random bits each, in groups that can be read out."""
    return ["-".join(_random_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def recovery_hash(plain: str) -> str:
    """What is stored of a recovery code. It is long and random, so no salt is needed."""
    return sha256_hex(plain)


def in_groups(secret: str) -> str:
    """The secret as one types it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def enrolment_uri(secret: str, email: str) -> str:
    """The address that an authenticator app reads from the picture."""
    label = f"{_ISSUER}:{email}"
    asked = {"secret": secret, "issuer": _ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{quote(label, safe='@:')}?{urlencode(asked)}"


def qr_picture(uri: str) -> str:
    """The address as a QR code: an SVG in a data URI, dark on white with the quiet zone that scanners need."""
    return str(segno.make(uri, error="m", micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))


def _random_group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS))
