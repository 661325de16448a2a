"""Sends what waits in the outbox. Every process does: a delivery belongs to whoever claims it first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from uuid import uuid4

from app.alerting import service as alerting
from app.alerting.contracts import Parcel, SendOutcome
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from jobs import channels

Send = Callable[[Parcel], SendOutcome]


class DeliveryRunner:
    """Claims due deliveries and sends them in a few threads of its own."""

    def __init__(self, holder: str, *, threads: int = 4, send: Send = channels.send, clock: Clock = SYSTEM_CLOCK) -> None:
        self._holder = f"{holder}:{uuid4().hex[:8]}"[:64]
        self._send = send
        self._clock = clock
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="deliver")
        self._running: set[Future[None]] = set()
        self._is_stopping = threading.Event()
        self._claiming = threading.Lock()

    def tick(self) -> int:
        """Claim as many due deliveries as threads are free and start to send them; how many were started."""
        started = 0
        with self._claiming:
            self._running = {future for future in self._running if not future.done()}
            while len(self._running) < self._threads and not self._is_stopping.is_set():
                parcel = self._claim()
                if parcel is None:
                    break
                self._running.add(self._pool.submit(self._deliver, parcel))
                started += 1
        return started

    def wait(self, seconds: float) -> None:
        """Wait for what is being sent."""
        wait(self._running, seconds)

    def stop(self, wait_seconds: float) -> None:
        """Claim nothing more; what is not sent in time is sent again after its lease, under the same id."""
        self._is_stopping.set()
        with self._claiming:
            self._pool.shutdown(wait=False)
        wait(self._running, wait_seconds)

    def _claim(self) -> Parcel | None:
        now = self._clock.now()
        # Looking does not write: an idle instance takes no write lock every second.
        with session_scope(write=False) as session:
            if not alerting.has_due(session, now):
                return None
        with session_scope() as session:
            return alerting.claim_parcel(session, self._holder, now)

    def _deliver(self, parcel: Parcel) -> None:
        outcome = self._send(parcel)
        with session_scope() as session:
            alerting.record(session, self._holder, parcel.delivery_id, outcome, self._clock.now())
