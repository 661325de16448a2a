"""App versions in their order: by semantic version, whatever people make of it (contract 5.5). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CORE = re.compile(r"^[vV]?(\d+(?:\.\d+)*)(.*)$", re.DOTALL)
_PART = re.compile(r"\d+|[A-Za-z]+")


def version_key(version: str) -> tuple[object, ...]:
    """Sorts versions from old to new. A pre-release comes before its release; text without a number comes before every version."""
    found = _CORE.match(version.strip())
    if found is None:
        return (0, (), 0, (), version)
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = found[2].partition("+")[0]
    is_release = not rest.startswith("-") and not rest.strip()
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in _PART.findall(rest))
    return (1, tuple(numbers), int(is_release), parts, version)


def newest_versions(versions: Iterable[str], keep: int) -> list[str]:
    """The newest `keep` of the versions, newest first. An empty text is no version."""
    return sorted({version for version in versions if version}, key=version_key, reverse=True)[:keep]


def is_release(version: str) -> bool:
    """Whether the text is a version, and none before a release."""
    key = version_key(version)
    return bool(key[0]) and bool(key[2])
