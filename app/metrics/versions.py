"""App versions in order, and which of them are active releases (contract 5.5 and 7). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.scans.versions import version_key

LEAST_SHARE = 0.05
LEAST_COUNT = 200
LEAST_RUN = 2


def newest_first(versions: Iterable[str]) -> list[str]:
    """Distinct versions, highest first."""
    return sorted(set(versions), key=version_key, reverse=True)


def latest_active(counted: Mapping[tuple[str, bool], Sequence[int]]) -> str | None:
    """The highest active release among the series of each (version, is_other), all on one grid; None when no version is one.

    Active: at least 5 % of the traffic in two buckets in a row and at least 200 events. Pre-releases are never active.
    """
    totals = [sum(counts) for counts in zip(*counted.values(), strict=True)]
    for version in newest_first(version for version, is_other in counted if not is_other and version and _is_release(version)):
        counts = counted[(version, False)]
        if sum(counts) < LEAST_COUNT:
            continue
        run = 0
        for count, total in zip(counts, totals, strict=True):
            # A bucket in which nothing at all was counted ends no run.
            if total:
                run = run + 1 if count >= LEAST_SHARE * total else 0
            if run == LEAST_RUN:
                return version
    return None


def _is_release(version: str) -> bool:
    key = version_key(version)
    return bool(key[0]) and bool(key[2])
