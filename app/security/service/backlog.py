"""Stored events that wait to be judged: while one pass runs the next fills up, so that a flood makes passes larger, not more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final

from app.identity.contracts import IngestPrincipal
from app.kernel.errors import AppError
from app.security.contracts import SecurityEvent
from app.security.plans import SecurityPlan
from app.security.service import detection
from app.security.service.judged_counts import JUDGED

MOST_WAITING: Final = 50_000

log = logging.getLogger("plumbline.security")


class Backlog:
    """Events by project, judged by one thread that lives while there are any.

    What does not fit, or is lost with the process, is found by the sweep.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[IngestPrincipal, SecurityPlan, list[SecurityEvent]]] = {}
        self._size = 0
        self._is_running = False
        self._idle = threading.Condition()

    def put(self, principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent]) -> bool:
        """Have the events judged soon; False when too many wait already."""
        with self._idle:
            if self._size + len(events) > MOST_WAITING:
                return False
            _, _, listed = self._waiting.setdefault(principal.project_id, (principal, plan, []))
            listed.extend(events)
            self._waiting[principal.project_id] = (principal, plan, listed)
            self._size += len(events)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._work, name="security-detection", daemon=True).start()
        return True

    def wait(self, seconds: float) -> bool:
        """Return when nothing waits, or after so many seconds; whether nothing waits."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._is_running, seconds)

    def _work(self) -> None:
        while True:
            with self._idle:
                taken, self._waiting, self._size = list(self._waiting.values()), {}, 0
                if not taken:
                    self._is_running = False
                    self._idle.notify_all()
                    return
            for principal, plan, events in taken:
                _judged(principal, plan, events)
            with self._idle:
                is_last = not self._waiting
            _written(is_urgent=is_last)


def _judged(principal: IngestPrincipal, plan: SecurityPlan, events: Sequence[SecurityEvent]) -> None:
    try:
        detection.run(principal, plan, events)
    except AppError as away:
        log.warning("events are left to the sweep", extra={"project_id": principal.project_id, "reason": away.message})
    except Exception:
        log.exception("security detection failed", extra={"project_id": principal.project_id})


def _written(*, is_urgent: bool) -> None:
    try:
        JUDGED.write(is_urgent=is_urgent)
    except Exception:
        log.exception("judged events could not be counted")


BACKLOG: Final = Backlog()
