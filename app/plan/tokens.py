"""`${name}` tokens in field and meta values: how a plan speaks of values too many to list (contract 2.6)."""

from __future__ import annotations

import re

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
