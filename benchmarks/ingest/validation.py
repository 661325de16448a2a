"""What it costs to hold every event against the plan: modes allow, flag and block, without bad events and with 5 percent of them.

The plan has seven fields for each event type: required ones, options, patterns and a range. Flagged and refused events are counted
in the store. Run: `python -m benchmarks.ingest.validation [--rounds 3] [--batches 20 100 1000]`; batch sizes are multiples of 20.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlmodel import Session

from app.ingest.validation import Mode, Policy
from benchmarks.ingest.ours import SLUG, Ours
from benchmarks.ingest.subjects import Events
from benchmarks.ingest.traffic import Load, Route
from benchmarks.ingest.variants import compare, parser

ONE_BAD_IN = 20


class Checked(Ours):
    """Our ingest for a project with a policy. `has_bad` sends one event in twenty that breaks the plan."""

    def __init__(self, folder: Path, mode: Mode, *, has_bad: bool) -> None:
        self._mode, self._has_bad = mode, has_bad
        name = f"{mode.value}{', 5 % bad' if has_bad else ''}"
        super().__init__(folder, name, setup=planned(mode))

    def routes(self, events: Events, batch: int) -> list[Route]:
        if batch % ONE_BAD_IN:
            raise SystemExit(f"batch sizes are multiples of {ONE_BAD_IN}")
        if self._has_bad:
            events = [_broken(event) if number % ONE_BAD_IN == 0 else event for number, event in enumerate(events)]
        return super().routes(events, batch)

    def check(self, load: Load, rows: int, batch: int) -> None:
        refused = load.answered * batch // ONE_BAD_IN if self._has_bad and self._mode is Mode.BLOCK else 0
        if rows != load.answered * batch - refused:
            raise SystemExit(f"{self.name}: {load.answered * batch} events sent, {refused} to be refused, {rows} stored")

    def verify(self) -> None:
        """Every bad event is flagged or in quarantine, and no other."""
        stored = self.stored()
        flagged = self._count("events", "verdict = 'flagged'")
        refused = self._count("quarantine", "1")
        sent = stored + refused
        bad = sent // ONE_BAD_IN if self._has_bad else 0
        expected = {Mode.ALLOW: (0, 0), Mode.FLAG: (bad, 0), Mode.BLOCK: (0, bad)}[self._mode]
        if (flagged, refused) != expected:
            raise SystemExit(f"{self.name}: {flagged} flagged and {refused} refused of {sent}, not {expected}")
        print(f"{self.name}: of {sent:,} events {flagged:,} flagged, {refused:,} refused, as it should be")

    def _count(self, table: str, condition: str) -> int:
        owned = "tenant_id = {{tenant:String}} AND project_id = {{project:String}}"
        sql = f"SELECT count() FROM {{database}}.{table} WHERE {owned} AND {condition}"
        return int(self.store.select(sql, self.tenant_id, self.project_id, {})[0][0])


def planned(mode: Mode) -> Callable[[Session], None]:
    """Gives the project's event types fields, and the project a policy."""

    def setup(session: Session) -> None:
        from app.identity.contracts import SYSTEM_ACTOR
        from app.ingest.policies import set_policy
        from app.plan.drafts import FieldDraft
        from app.plan.service import bulk_create_fields, list_event_types
        from app.plan.vocabulary import FieldType

        text, choice, number = FieldType.STRING, FieldType.ENUM, FieldType.NUMBER
        countries, plans = ["US", "DE", "GB", "FR", "IN", "BR", "JP"], ["free", "pro", "team", "enterprise"]
        fields = [
            FieldDraft("country", "Country", choice, is_required=True, enum_options=countries),
            FieldDraft("plan", "Plan", choice, is_required=True, enum_options=plans),
            FieldDraft("device", "Device", choice, enum_options=["web", "ios", "android", "server"]),
            FieldDraft("app_version", "Version", text, is_required=True, contract_regex=r"^2\.[0-9]+\.[0-9]+$"),
            FieldDraft("path", "Path", text, contract_regex=r"^/[a-z]+/[0-9]+$"),
            FieldDraft("user_id", "User", text, is_required=True),
            FieldDraft("duration", "Duration", number, contract_min_value=0, contract_max_value=1e9),
        ]
        for event_type in list_event_types(session, SYSTEM_ACTOR, SLUG):
            bulk_create_fields(session, SYSTEM_ACTOR, SLUG, event_type.id, fields)
        policy = Policy(mode, refuses_unplanned=True, refuses_unknown_properties=True)
        set_policy(session, SYSTEM_ACTOR, SLUG, policy, datetime.now(UTC))

    return setup


def _broken(event: dict[str, object]) -> dict[str, object]:
    attributes = event["custom_attributes"]
    assert isinstance(attributes, dict)
    return {**event, "custom_attributes": {**attributes, "country": "nowhere"}}


def main() -> None:
    """Run and print."""
    options = parser(__doc__, (20, 100, 1000)).parse_args()
    modes = [(Mode.ALLOW, False), (Mode.FLAG, False), (Mode.BLOCK, False), (Mode.FLAG, True), (Mode.BLOCK, True)]
    compare([partial(Checked, mode=mode, has_bad=has_bad) for mode, has_bad in modes], options)


if __name__ == "__main__":
    main()
