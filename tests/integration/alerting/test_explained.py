"""A rule that asks for the assistant's words gets them once, whatever becomes of the first attempt."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

from app.alerting.delivery_contracts import SendOutcome
from app.assistant import service as assistant
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import FixedClock
from app.kernel.database import session_scope
from app.preferences import service as preferences
from jobs import evaluate_alerts
from jobs.deliver_alerts import DeliveryRunner
from models.alerting import AlertRule
from tests.integration.alerting.test_outbox import (
    NOW,
    Line,
    clock,
    deliver,
    delivery,
    leadership,
    scan_id,
)

__all__ = ["clock", "leadership", "scan_id"]


class Model:
    """Answers everything the same and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def ask(self, system: str, question: str) -> str:
        self.asked.append((system, question))
        return "Orders fell at eight."


def test_the_model_is_asked_with_the_prompt_of_the_settings_and_only_once(engine, leadership, scan_id, clock: FixedClock):
    with session_scope(engine) as session:
        session.execute(sa.update(AlertRule).values(ai_explanation_enabled=True).where(col(AlertRule.name) == "Drops"))
        preferences.change_settings(session, SYSTEM_ACTOR, {"alert_explanation_system_prompt": "Explain like a sailor."}, NOW)
    evaluate_alerts.run(leadership)
    model = Model()
    line = Line(SendOutcome(False, "away", "timeout", is_temporary=True))
    runner = DeliveryRunner("a", send=line, ask=lambda facts: assistant.explain_alert(facts, model=model), clock=clock)

    deliver(runner)
    clock.at = delivery(engine).next_attempt_at or clock.at
    deliver(runner)

    assert [system for system, _ in model.asked] == ["Explain like a sailor."]
    assert "<facts>" in model.asked[0][1]
    messages = [str(parcel.snapshot["rendered_message"]) for parcel in line.parcels]
    assert len(messages) == 2
    assert messages[0] == messages[1]
    assert messages[0].endswith("Explained by the assistant: Orders fell at eight.")
