"""Children that never outlive the process that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT_VARIABLE = "PLUMBLINE_PARENT_PID"
"""Set for a child by the process that starts it, so that a parent that died before the child looked is noticed."""

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 15.0


def die_with_parent() -> None:
    """End this process when its parent dies: politely first, after 15 seconds in any case."""
    parent = int(os.environ.pop(PARENT_VARIABLE, "") or os.getppid())  # taken away: it is no truth for processes below
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)
