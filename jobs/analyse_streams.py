"""Looks at every stream of events that has something new."""

from __future__ import annotations

import logging
import random
import time

from app.anomalies import stream_analysis
from app.kernel.database import session_scope
from app.kernel.errors import Unavailable
from jobs.leadership import Leadership

BUDGET_SECONDS = 5.0

log = logging.getLogger("plumbline.jobs")


def run(leadership: Leadership) -> int:
    """Look at each stream in a transaction of its own; how many windows belong to an anomaly.

    Ends after a few seconds: what is left is looked at in the next run, which begins with another stream.
    """
    now, until = leadership.clock.now(), time.monotonic() + BUDGET_SECONDS
    try:
        with session_scope(write=False) as session:
            waiting = stream_analysis.waiting_streams(session, now)
        found = 0
        random.shuffle(waiting)
        for stream in waiting:
            for _ in range(stream_analysis.MOST_LOOKS):
                if time.monotonic() > until:
                    return found
                with leadership.turn() as session:
                    if session is None:
                        return found
                    found += stream_analysis.analyse(session, stream, now) is not None
                with session_scope(write=False) as session:
                    if not stream_analysis.is_behind(session, stream):
                        break
    except Unavailable as away:
        log.warning("streams cannot be looked at", extra={"reason": away.message})
        return 0
    return found
