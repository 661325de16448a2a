"""How often a serving process looks for garbage."""

from __future__ import annotations

import gc

# Events, and the points of a chart, are thousands of objects at a time and no cycles; the usual 700 looks through them once and
# more for every large request, and through everything that was loaded every few pages, which then take half as long again.
_COLLECT_AFTER = 50_000


def collect_seldom() -> None:
    """Call once everything is loaded: it stays, so no later collection looks through it, and collections become rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
