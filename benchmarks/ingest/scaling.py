"""One ingest process and two, each with a key of its own whose senders always reach the same process (docs/operations.md).

Servers and client use all cores, so the figures per second show what a second process brings on this machine beside its client.
Run: `python -m benchmarks.ingest.scaling [--rounds 3] [--batches 1 10 100 1000]`.
"""

from __future__ import annotations

from functools import partial

from benchmarks.ingest.ours import Ours
from benchmarks.ingest.processes import ALL_CORES
from benchmarks.ingest.variants import compare, parser


def main() -> None:
    """Run and print."""
    options = parser(__doc__, (1, 10, 100, 1000)).parse_args()
    makers = [partial(Ours, name="one process"), partial(Ours, name="two processes", ingest_processes=2)]
    compare(makers, options, cores=ALL_CORES)


if __name__ == "__main__":
    main()
