"""Which places exist inside of sampled JSON values, and a few of what is there. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from app.warehouse.contracts import MOST_JSON_PATHS, MOST_JSON_SAMPLES, JsonPath, JsonPathSample

_LONGEST_SAMPLE = 200
_DEEPEST = 20


def paths_of(column: str, values: Iterable[object]) -> tuple[JsonPathSample, ...]:
    """Leaf paths in order of their names, at most MOST_JSON_PATHS, each with up to MOST_JSON_SAMPLES distinct values as text."""
    found: dict[tuple[str, ...], list[str]] = {}
    for value in values:
        for keys, leaf in _leaves(value, ()):
            if keys not in found and len(found) >= MOST_JSON_PATHS:
                continue
            samples = found.setdefault(keys, [])
            text = _text(leaf)
            if text is not None and len(samples) < MOST_JSON_SAMPLES and text not in samples:
                samples.append(text)
    return tuple(JsonPathSample(JsonPath(column, keys), tuple(found[keys])) for keys in sorted(found))


def _leaves(value: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, dict) and value and len(keys) < _DEEPEST:
        for key, entry in value.items():
            yield from _leaves(entry, (*keys, str(key)))
    elif keys:
        yield keys, value


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return text[:_LONGEST_SAMPLE]
