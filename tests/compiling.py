"""The product's compiled functions, made once before the tests: several processes that need them at once would each make them.

`python -m tests.compiling` takes half a minute of processor time the first time and a second afterwards.
"""

from __future__ import annotations

import os
from pathlib import Path


def share_machine_code() -> None:
    """Let all processes that tests start keep machine code in one folder; each data folder would compile its own."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "plumbline" / "numba"))


def main() -> None:
    """Call what compiles: the reader of bodies and both detectors."""
    import numpy as np

    from app.detection.contracts import DetectionSettings
    from app.detection.engine.adaptive import Rules, advance, forecast, replay, start
    from app.detection.engine.seasonal import judge_counts
    from app.ingest.compiled_rows import CompiledReader
    from app.kernel.intervals import Interval

    CompiledReader(1, 1000)
    counts, hour = np.full((1, 30 * 24), 20.0), 3600
    judge_counts(counts.copy(), Interval.HOUR, DetectionSettings())
    known = start(hour, True, 1)
    replay(known, hour * np.arange(counts.size), counts, Rules())
    advance(known, hour * counts.size, [20.0], Rules())
    forecast(known, 1)


if __name__ == "__main__":
    share_machine_code()
    main()
