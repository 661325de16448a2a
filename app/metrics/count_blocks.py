"""Counts of many series as arrays, some series at a time, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np
from sqlmodel import Session

from app.kernel.intervals import Interval, bucket_index
from app.metrics import count_repository, repository
from app.metrics.contracts import CountBlock, Counts, ScopeType, SeriesKey

# Some megabytes of counts, and as much again of text, are in memory at a time.
BLOCK_CELLS = 1_500_000
MOST_SERIES = 5_000


def counted_keys(session: Session, config_id: str, keys: Sequence[SeriesKey]) -> list[SeriesKey]:
    """The series that ever had a count, in the order given; the project total always counts."""
    found = {
        (scope_type, ref)
        for scope_type in (ScopeType.EVENT_TYPE, ScopeType.EVENT)
        for ref in count_repository.counted_refs(
            session, config_id, scope_type, [key.ref for key in keys if key.scope_type is scope_type]
        )
    }
    return [key for key in keys if key.scope_type is ScopeType.PROJECT_TOTAL or (key.scope_type, key.ref) in found]


def count_blocks(
    session: Session, config_id: str, keys: Sequence[SeriesKey], start: datetime, stop: datetime
) -> Iterator[CountBlock]:
    """The series of one config in [start, stop), by kind of scope, all on one grid.

    Nothing without coverage or for an unknown config. A bucket without a stored count is 0 where a run covered it, else NaN.
    """
    config = repository.find_config(session, config_id)
    covered = count_repository.covered_buckets(session, config_id, start, stop)
    if config is None or config.interval is None or not covered:
        return
    grid = _Grid(covered, Interval(config.interval))
    width = min(MOST_SERIES, max(1, BLOCK_CELLS // grid.size))
    for scope_type in ScopeType:
        of_type = [key for key in keys if key.scope_type is scope_type]
        for first in range(0, len(of_type), width):
            some = of_type[first : first + width]
            counts = np.tile(grid.blank, (len(some), 1))
            if scope_type is ScopeType.PROJECT_TOTAL:
                grid.fill_total(counts, repository.total_per_bucket(session, config_id, start, stop))
            else:
                places = {key.ref: place for place, key in enumerate(some)}
                for ref, buckets, values in count_repository.packed_counts(
                    session, config_id, scope_type, list(places), start, stop
                ):
                    grid.fill(counts[places[ref]], buckets, values)
            yield CountBlock(some, grid.first_index, counts)


class _Grid:
    """The buckets from the first to the last covered one."""

    def __init__(self, covered: Sequence[tuple[datetime, str]], interval: Interval) -> None:
        self._interval = interval
        self.first_index = bucket_index(covered[0][0], interval)
        self._rows = np.array([self.row(bucket) for bucket, _ in covered])
        self.size = int(self._rows[-1]) + 1
        self.blank: Counts = np.full(self.size, np.nan)
        self.blank[self._rows] = 0.0
        texts = [text for _, text in covered]
        self._places = {text: place for place, text in enumerate(texts)}
        self._joined = count_repository.SEPARATOR.join(texts) + count_repository.SEPARATOR
        self._offsets = np.cumsum([0] + [len(text) + 1 for text in texts])

    def row(self, bucket: datetime) -> int:
        """The place of a bucket on the grid, or beyond it."""
        return bucket_index(bucket, self._interval) - self.first_index

    def fill_total(self, counts: Counts, total: Iterable[tuple[datetime, int]]) -> None:
        """Write the total into every series; counts of buckets that no run covered are left out."""
        for bucket, count in total:
            row = self.row(bucket)
            if 0 <= row < self.size and self.blank[row] == 0.0:
                counts[:, row] = count

    def fill(self, row: Counts, buckets: str, values: str) -> None:
        """Write one series; counts of buckets that no run covered are left out."""
        counts = np.fromstring(values, dtype=np.int64, sep=count_repository.SEPARATOR)
        place = self._places.get(buckets.partition(count_repository.SEPARATOR)[0])
        if place is not None and place + counts.size <= len(self._places):
            end = place + counts.size
            # The usual series has a count in every covered bucket: one comparison of text instead of a look-up for each.
            if self._joined[self._offsets[place] : self._offsets[end] - 1] == buckets:
                row[self._rows[place:end]] = counts
                return
        places = np.array([self._places.get(text, -1) for text in buckets.split(count_repository.SEPARATOR)])
        row[self._rows[places[places >= 0]]] = counts[places >= 0]
