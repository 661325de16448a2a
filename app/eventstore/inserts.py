"""What goes with every batch that the event store takes in, and whose fault it is when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clickhouse_connect.driver.exceptions import Error

from app.eventstore.contracts import Rejected

INSERT_SETTINGS: Final[Mapping[str, Any]] = {
    "async_insert": 0,  # on by default in recent versions; batches arrive grouped already and must be stored on return
    "date_time_input_format": "best_effort",
    "input_format_parallel_parsing": 0,  # the same bytes make the same blocks, which the deduplication relies on
    "input_format_skip_unknown_fields": 0,  # a column the table lacks is a mistake to hear of, not a value to drop
    "max_insert_threads": 1,
    "max_partitions_per_insert_block": 2000,  # one partition a month, and events may be decades old
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}

# Codes by which ClickHouse says that the rows themselves are at fault. A column that the table lacks is not among them: its
# process is newer than the store's schema, and the rows wait until that is brought up to date.
_DATA_ERROR_CODES = frozenset(
    {6, 8, 25, 26, 27, 33, 34, 38, 41, 50, 53, 69, 70, 72, 117, 128, 130, 131, 190, 306, 321, 349, 407, 441, 467, 675, 676}
)
_TOO_MANY_PARTS = 252  # of one block: the data's fault; of the table: a moment's overload


def require_one_row_per_line(lines: bytes, rows: int) -> None:
    """Errors: Rejected."""
    # The engine skips blank lines and reads a row over several lines; a batch that breaks the contract in such a way is
    # found here, before any of it is stored.
    line_count = lines.count(b"\n") + (0 if not lines or lines.endswith(b"\n") else 1)
    if line_count != rows:
        raise Rejected(f"the batch has {line_count} lines for {rows} rows")
    if lines.startswith(b"\n") or b"\n\n" in lines:
        raise Rejected("the batch has a blank line")


def is_data_error(error: Exception) -> bool:
    """Whether the rows themselves are at fault, and not the store or the way to it."""
    code = error.code if isinstance(error, Error) else None
    if code == _TOO_MANY_PARTS:
        return "partitions" in str(error)
    return code in _DATA_ERROR_CODES
