"""App versions in order, and which of them are active releases (contract 5.5 and 7). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from app.scans.versions import is_release, version_key

LEAST_SHARE = 0.05
LEAST_COUNT = 200
LEAST_RUN = 2


def newest_first(versions: Iterable[str]) -> list[str]:
    """Distinct versions, highest first."""
    return sorted(set(versions), key=version_key, reverse=True)


def latest(counted: Mapping[tuple[str, bool], Sequence[int]]) -> str | None:
    """The highest active release among the series of each (version, is_other), all on one grid; the highest version without one.

    Active: at least 5 % of the traffic in two buckets in a row and at least 200 events. Pre-releases are never active.
    """
    named = newest_first(version for version, is_other in counted if not is_other and version)
    totals = totals_of(counted)
    for version in named:
        counts = counted[(version, False)]
        if is_release(version) and sum(counts) >= LEAST_COUNT and has_run(counts, totals):
            return version
    return next(iter(named), None)


def totals_of(counted: Mapping[tuple[str, bool], Sequence[int]]) -> list[int]:
    """The traffic of each bucket."""
    return [sum(counts) for counts in zip(*counted.values(), strict=True)]


def has_run(counts: Sequence[int], totals: Sequence[int]) -> bool:
    """Whether a version had its share of the traffic in two buckets in a row."""
    run = 0
    for count, total in zip(counts, totals, strict=True):
        # A bucket in which nothing at all was counted ends no run.
        if total:
            run = run + 1 if count >= LEAST_SHARE * total else 0
        if run == LEAST_RUN:
            return True
    return False
