"""The two roads from an ingest process to the event store: beside it on this machine, and by `PLUMBLINE_EVENTSTORE_URL`.

Both end at the HTTP front of the embedded engine, which always runs in a process of its own. They differ in how blocks of rows go
there: as files in a folder that both see, or through the socket. An engine within the ingest process does not exist in the product.
Run: `python -m benchmarks.ingest.roads [--rounds 3] [--batches 10 100 1000]`.
"""

from __future__ import annotations

from functools import partial

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.variants import compare, parser


def main() -> None:
    """Run and print."""
    options = parser(__doc__, (10, 100, 1000)).parse_args()
    compare([partial(Ours, name="embedded"), partial(Ours, name="by address", goes_by_address=True)], options)


if __name__ == "__main__":
    main()
