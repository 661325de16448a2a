"""Rules of projects that need no database."""

from __future__ import annotations

import re
import secrets

from app.detection.contracts import Signal
from app.kernel.errors import InvalidInput

SLUG_PATTERN = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
TEXT_LIMIT = 255
SIGNIFICANT_EFFECT = 0.5

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


HIDDEN = "drill:"
"""How slugs of projects begin that only Plumbline itself works with; no person can choose such a slug."""


def hidden_slug(project_id: str, name: str) -> str:
    """The slug of a hidden project that belongs to another project."""
    return f"{HIDDEN}{project_id}:{name}"


def is_slug(text: str) -> bool:
    """Whether the text can be a project's slug; nothing else is ever looked up."""
    return len(text) <= TEXT_LIMIT and _SLUG.fullmatch(text) is not None


def checked_slug(slug: str) -> str:
    """The slug; InvalidInput when it is none."""
    if not is_slug(slug):
        raise InvalidInput("The slug may hold lower-case letters and digits in groups joined by single hyphens", field="slug")
    return slug


def checked_name(name: str) -> str:
    """The name without surrounding space; InvalidInput when nothing is left or it is too long."""
    name = name.replace("\x00", "").strip()
    if not 1 <= len(name) <= TEXT_LIMIT:
        raise InvalidInput(f"The name must have 1 to {TEXT_LIMIT} characters", field="name")
    return name


def checked_description(description: str) -> str:
    """The description as it can be stored on every database."""
    return description.replace("\x00", "")


def random_slug(stem: str) -> str:
    """A slug nobody chose: the stem and six hexadecimal digits."""
    return f"{stem}-{secrets.token_hex(3)}"


def is_significant(signal: Signal) -> bool:
    """Whether a signal counts for the project's badge (contract 6.6); one that is expected does not."""
    effect = abs(signal.actual_count - signal.expected_count) / max(signal.expected_count, 1.0)
    return effect >= SIGNIFICANT_EFFECT and not signal.expected_because
