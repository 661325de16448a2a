"""Who is told about the demo shop, what they were told so far, and what they made of it.

Nothing leaves the instance: messages are noted as sent in the transaction that writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from app.alerting import service as alerting
from app.alerting.contracts import Candidate, DestinationFields, DestinationView, RuleFilter, RuleSpec, RuleView
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.drills import LATE_TEXTS, DrillSettings, DrillStage
from app.alerting.service import outbox
from app.alerting.service.outbox import Telling
from app.alerting.service.routing import Recipient
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType, FilterField, FilterOperator, GroupAction
from app.demo import watch_repository as repository
from app.demo.story import HOUR, Timeline
from app.identity.contracts import SYSTEM_ACTOR, Actor
from app.kernel.ids import new_id
from app.projects.contracts import ProjectView
from app.scans import service as scans
from app.scans.contracts import JobStatus

ROOM: Final = "Shop operations"
MAILBOX: Final = "On-call mailbox"
FUNNEL: Final = RuleSpec(name="Checkout and payments", min_percent_delta=30, min_absolute_delta=5, cooldown_minutes=240)
STOPPED: Final = RuleSpec(
    name="Anything that stops", include_project_total=False, include_event_types=False, notify_on_spike=False, min_percent_delta=60
)
PLAN: Final = RuleSpec(
    name="Plan and releases", include_project_total=False, include_event_types=False, include_events=False,
    include_schema_drifts=True, include_release_regressions=True, cooldown_minutes=7 * 1440,
)  # fmt: skip
_ARRIVED: Final = SendOutcome(True)
_REFUSED: Final = SendOutcome(False, "The mail server did not accept the recipient", "refused")
_HOLDER: Final = "demo"
_PACES: Final = (0.9, 1.15, 1.0, 1.3, 0.95, 1.05, 0.9)
"""How slow the drills of the last days were."""
_WITHIN: Final = ("checkout", "payments")
OUTAGE_NOTE: Final = "The checkout's database was restarted; orders came in again within minutes."
COUPON_NOTE: Final = "The autumn campaign is over, nobody can use the code any more."


class Watch:
    """Destinations, rules and their history of one demo project, within one transaction."""

    def __init__(self, session: Session, project: ProjectView, author: Actor, timeline: Timeline) -> None:
        self._session, self._project, self._slug, self._author, self._timeline = session, project, project.slug, author, timeline

    def write(self, config_id: str, event_ids: dict[str, str], type_ids: dict[str, str]) -> None:
        """Everything; `event_ids` and `type_ids` are those of the plan by name."""
        scan = self._newest_run(config_id)
        if scan is None:
            return
        room = self._destination(DestinationType.WEBHOOK, ROOM, target_url="https://hooks.example.com/juniper-lane")
        mailbox = self._destination(DestinationType.EMAIL, MAILBOX, email_recipients="on-call@example.com")
        within = RuleFilter(FilterField.EVENT_TYPE, FilterOperator.IN, tuple(type_ids[name] for name in _WITHIN))
        funnel = self._rule(room, replace(FUNNEL, filters=(within,)))
        stopped = self._rule(mailbox, STOPPED)
        self._rule(room, PLAN)
        self._drills(room, mailbox)
        told = alerting.recent_candidates(self._session, SYSTEM_ACTOR, self._slug, days=14)
        past = [one for config, _, one in told if config == config_id]
        outage = self._about(past, [event_ids[name] for name in ("checkout_started", "order_placed", "payment_authorized")])
        silent = self._timeline.silent_since
        coupon = _first(one for one in past if one.scope_ref == event_ids["coupon_applied"] and one.bucket >= silent)
        self._tell(scan, stopped, mailbox, coupon, silent + 26 * HOUR, _ARRIVED)
        # What was given up is old enough not to be the operator's worry.
        long_ago = self._timeline.now - timedelta(days=9)
        lost = _first(one for one in past if one.bucket < long_ago and one.direction is AlertDirection.DROP and one.event_id)
        for one in lost:
            self._tell(scan, stopped, mailbox, lost, one.bucket + HOUR, _REFUSED)
        for rule, place in ((funnel, room), (stopped, mailbox)):
            self._tell(scan, rule, place, outage, self._timeline.outage[0] + HOUR, _ARRIVED)
        repository.forget_evaluation(self._session, config_id)
        for delivery_id in alerting.evaluate_scan(self._session, scan, self._timeline.now):
            self._end(delivery_id, _ARRIVED, self._timeline.now)
        self._decide(coupon, outage)

    def _newest_run(self, config_id: str) -> alerting.Collected | None:
        jobs = scans.list_jobs(self._session, SYSTEM_ACTOR, self._slug, config_id, limit=1).items
        if not jobs or jobs[0].status is not JobStatus.COMPLETED or jobs[0].completed_at is None:
            return None
        name = scans.get_config(self._session, SYSTEM_ACTOR, self._slug, config_id).name
        project = self._project
        return alerting.Collected(config_id, name, jobs[0].id, jobs[0].completed_at, project.id, project.slug, project.name)

    def _destination(self, kind: DestinationType, name: str, **fields: str) -> DestinationView:
        return alerting.create_destination(self._session, self._author, self._slug, kind, name, DestinationFields(**fields))

    def _rule(self, destination: DestinationView, spec: RuleSpec) -> RuleView:
        return alerting.create_rule(self._session, self._author, self._slug, destination.id, spec)

    def _drills(self, room: DestinationView, mailbox: DestinationView) -> None:
        alerting.set_drill(self._session, self._author, self._slug, DrillSettings(False, room.id, mailbox.id))
        late = (DrillStage.DELIVERED.value, LATE_TEXTS[DrillStage.DELIVERED])
        for days, pace in zip(range(len(_PACES), 0, -1), _PACES, strict=True):
            started = self._timeline.current_hour - timedelta(days=days)
            repository.add_drill(self._session, self._project.id, ROOM, started, pace=pace, late=late if days == 4 else None)

    def _about(self, past: Sequence[Candidate], refs: Sequence[str]) -> list[Candidate]:
        start, stop = self._timeline.outage
        found = [
            _first(
                one for one in past if one.scope_ref == ref and start <= one.bucket < stop and one.direction is AlertDirection.DROP
            )
            for ref in refs
        ]
        return [one for part in found for one in part]

    def _tell(
        self,
        scan: alerting.Collected,
        rule: RuleView,
        place: DestinationView,
        firings: Sequence[Candidate],
        at: datetime,
        outcome: SendOutcome,
    ) -> None:
        """A message of the past, in the words it would have had."""
        if firings:
            delivery_id, recipient = new_id(), Recipient(place.id, place.name, place.type)
            outbox.queue(self._session, Telling(scan, rule.id, rule.spec, recipient, firings), delivery_id, {}, at, at)
            self._end(delivery_id, outcome, at + timedelta(seconds=3))

    def _end(self, delivery_id: str, outcome: SendOutcome, at: datetime) -> None:
        repository.claim_delivery(self._session, delivery_id, _HOLDER, at)
        alerting.record(self._session, _HOLDER, delivery_id, outcome, at)

    def _decide(self, coupon: Sequence[Candidate], outage: Sequence[Candidate]) -> None:
        decisions = {one.key: (GroupAction.RESOLVE, OUTAGE_NOTE) for one in outage}
        decisions |= {one.key: (GroupAction.ACKNOWLEDGE, COUPON_NOTE) for one in coupon}
        for delivery in alerting.list_deliveries(self._session, SYSTEM_ACTOR, self._slug, alerting.DeliveryFilter()).items:
            for item in alerting.get_delivery(self._session, SYSTEM_ACTOR, self._slug, delivery.id).items:
                decided = decisions.get((AlertScope(item.scope_type), item.scope_ref))
                if decided is not None and item.correlation_group_id:
                    alerting.apply_action(
                        self._session, self._author, self._slug, item.correlation_group_id, decided[0], note=decided[1]
                    )


def _first(found: Iterable[Candidate]) -> list[Candidate]:
    """The earliest of them, or nothing."""
    return sorted(found, key=lambda one: one.bucket)[:1]
