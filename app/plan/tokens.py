"""`${name}` tokens in field and meta values: how a plan speaks of values too many to list (contract 2.6)."""

from __future__ import annotations

import re

OPENING = "${"
NAME_PATTERN = re.compile(r"^[a-z][a-z0-9_]*$")
_TOKEN = re.compile(r"\$\{([^${}]+)\}")


def token(name: str) -> str:
    """The token of a variable."""
    return f"${{{name}}}"


def tokens_in(value: str) -> list[str]:
    """Names of the variables that the value uses, each once, in order of appearance."""
    return list(dict.fromkeys(_TOKEN.findall(value)))


def rename_token(value: str, old: str, new: str) -> str:
    """The value with every exact `${old}` turned into `${new}`; `${old_id}` and a bare `old` stay."""
    return value.replace(token(old), token(new))


def split_tokens(value: str) -> list[tuple[str, bool]]:
    """The value in stretches, each with whether it is a token; together they are the value."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for found in _TOKEN.finditer(value):
        if found.start() > end:
            parts.append((value[end : found.start()], False))
        parts.append((found.group(), True))
        end = found.end()
    if end < len(value):
        parts.append((value[end:], False))
    return parts
