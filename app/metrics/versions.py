"""App versions in order, and which of them are active releases (contract 5.5 and 7). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from app.scans.versions import version_key

LEAST_SHARE = 0.05
LEAST_COUNT = 200
LEAST_RUN = 2


def newest_first(versions: Iterable[str]) -> list[str]:
    """Distinct versions, highest first."""
    return sorted(set(versions), key=version_key, reverse=True)


def latest_active(rows: Sequence[tuple[str, bool, datetime, int]]) -> str | None:
    """The highest active release of (version, is_other, bucket, count) rows in bucket order; None when no version is one.

    Active: at least 5 % of the traffic in two buckets in a row and at least 200 events. Pre-releases are never active.
    """
    totals: dict[datetime, int] = defaultdict(int)
    counts: dict[str, dict[datetime, int]] = defaultdict(dict)
    for version, is_other, bucket, count in rows:
        totals[bucket] += count
        if not is_other and version and _is_release(version):
            counts[version][bucket] = count
    for version in newest_first(counts):
        run = 0
        for bucket in sorted(totals):
            run = run + 1 if totals[bucket] and counts[version].get(bucket, 0) >= LEAST_SHARE * totals[bucket] else 0
            if run == LEAST_RUN:
                if sum(counts[version].values()) >= LEAST_COUNT:
                    return version
                break
    return None


def _is_release(version: str) -> bool:
    key = version_key(version)
    return bool(key[0]) and bool(key[2])
