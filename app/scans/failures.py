"""What the owner of a scan may read about an error."""

from __future__ import annotations

from app.kernel.errors import InvalidInput, Unavailable
from app.scans.contracts import ScanFailure
from app.warehouse.contracts import QueryFailed
from app.warehouse.faults import ConnectionFault

INTERNAL_ERROR = "Scan failed due to an internal error."
UNREACHABLE = "The data source could not be reached."


def curated(error: Exception) -> str | None:
    """What the scan's owner may read about the error; None for one that only the log may tell (contract 5.1)."""
    match error:
        case ScanFailure() | InvalidInput():
            return str(error)
        case QueryFailed():
            return error.sentence if error.column is None else f'{error.sentence.rstrip(".")}: "{error.column[:100]}".'
        case ConnectionFault():
            return f"{UNREACHABLE} {error.message}"
        case Unavailable():
            return UNREACHABLE
    return None
