"""Sends what waits in the outbox. Every process does: a delivery belongs to whoever claims it first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from app.alerting import service as alerting
from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.alerting.told_by_model import Ask, notes_of, with_explanation
from app.assistant import service as assistant
from app.kernel.clock import SYSTEM_CLOCK, Clock
from app.kernel.database import session_scope
from jobs import channels
from jobs.claiming import ClaimingRunner

Send = Callable[[Parcel], SendOutcome]


class DeliveryRunner(ClaimingRunner[Parcel]):
    """Sends due deliveries. What is not sent before a stop is sent again after its lease, under the same id."""

    def __init__(
        self,
        holder: str,
        *,
        threads: int = 4,
        send: Send = channels.send,
        ask: Ask = assistant.explain_alert,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__("deliver", threads)
        self._holder = f"{holder}:{uuid4().hex[:8]}"[:64]
        self._send = send
        self._ask = ask
        self._clock = clock

    def _claim(self) -> Parcel | None:
        now = self._clock.now()
        with session_scope(write=False) as session:
            if not alerting.has_due(session, now):
                return None
        with session_scope() as session:
            return alerting.claim_parcel(session, self._holder, now)

    def _run(self, claimed: Parcel) -> object:
        parcel = with_explanation(claimed, self._ask)
        outcome = self._send(parcel)
        outcome = replace(outcome, notes={**notes_of(parcel), **outcome.notes})
        with session_scope() as session:
            alerting.record(session, self._holder, claimed.delivery_id, outcome, self._clock.now())
        return outcome
