"""Events and log lines as canonical text: what differs in every line by nature becomes a fixed token (contract A.6)."""

from __future__ import annotations

import json
import re
from typing import Any, Final

REDACTED: Final = "<REDACTED>"
_SECRET_WORDS: Final = frozenset(
    {"password", "passwd", "token", "key", "apikey", "secret", "jwt", "authorization", "cookie", "accesskey", "privatekey"}
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_TOKENS: Final = tuple(
    (re.compile(pattern), token)
    for pattern, token in (
        (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?", "<TIME>"),
        (r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*", "<JWT>"),
        (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<UUID>"),
        (r"\b[0-9a-fA-F]{32,64}\b", "<HASH>"),
        (r"\b(?:arn:aws[\w-]*:[\w:/.*-]+|(?:i|vol|sg|subnet|vpc|ami)-[0-9a-f]{8,17}|projects/[\w-]+/[\w/.-]+)", "<RESOURCE>"),
        (r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b", "<EMAIL>"),
        (r"\bhttps?://[^\s\"'<>]{1,2000}", "<URL>"),
        (r"\b(?:[a-z0-9-]{1,63}\.){1,8}(?:com|org|net|io|dev|app|cloud|local|internal)\b", "<DOMAIN>"),
        (r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4}\b", "<IP>"),
        (r"\b[A-Za-z0-9+/]{20,}={0,2}", "<BASE64>"),
        (r"\b\d{4,}\b", "<INT>"),
    )
)


def canonical(line: str) -> str:
    """One line without what makes every line unique: JSON with sorted keys, secrets redacted, ids and times as tokens."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return tokenised(line)
    if isinstance(value, dict | list):
        line = json.dumps(redacted(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return tokenised(line)


def tokenised(text: str) -> str:
    """The text with fixed tokens, replaced in the order of the contract."""
    for pattern, token in _TOKENS:
        text = pattern.sub(token, text)
    return text


def redacted(value: Any) -> Any:
    """The value without what stands under names of secrets, at any depth."""
    if isinstance(value, dict):
        return {key: REDACTED if _is_secret(str(key)) else redacted(inner) for key, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list) else value


def _is_secret(name: str) -> bool:
    # By whole words: `apiKey` and `session_token` are secrets, `monkey` is none.
    return any(word.lower() in _SECRET_WORDS for word in _WORDS.findall(name))


def numbers_of(value: Any, path: str = "") -> dict[str, float]:
    """Every number of a JSON value by its dotted path; lists and truth values are left out."""
    if isinstance(value, dict):
        found: dict[str, float] = {}
        for key, inner in value.items():
            found |= numbers_of(inner, f"{path}.{key}" if path else str(key))
        return found
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {path: float(value)} if is_number and path else {}
