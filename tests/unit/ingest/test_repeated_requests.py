"""A request that comes again, while the plan that judges it changes: each of its events is kept once, in one of the two ways."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.ingest.columns import encode_columns
from app.ingest.decode import decode_batch
from app.ingest.once import REFUSED_BEFORE, Once
from app.ingest.payloads import ids_of
from app.ingest.project_plans import ProjectPlan
from app.ingest.quarantine import message_ids_of
from app.ingest.rules import Cleaned, Reception, TimeWindow, clean_batch
from app.ingest.validation import Mode, Policy, compile_checks
from app.plan.contracts import FieldRules

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
WINDOW = TimeWindow.of(max_age_days=7300, max_future_hours=24)
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=6)
PLANS = st.lists(st.sets(st.sampled_from("abc"), min_size=1), min_size=1, max_size=5)


def judged(events: list[tuple[str, bool]], allowed: set[str], seed: str) -> Cleaned:
    """The events by a plan that blocks all but some; those marked True bring an id of their own."""
    body = [
        {"service": "web", "operation": "click", "custom_attributes": {"plan": plan}, **({"id": f"own-{position}"} if own else {})}
        for position, (plan, own) in enumerate(events)
    ]
    field = FieldRules("plan", "enum", is_required=True, enum_options=tuple(sorted(allowed)))
    checks = compile_checks({"web": [field]}, Policy(mode=Mode.BLOCK), b"secret")
    plan = ProjectPlan(frozenset({("web", "click")}), checks)
    return clean_batch(decode_batch(json.dumps(body).encode(), 100), Reception("t", "p", plan, WINDOW, NOW, seed))


def kept(cleaned: Cleaned) -> list[str]:
    """What would be written: the ids of the rows, and the places of the refused."""
    rows = [id_ for _, id_ in ids_of(encode_columns([cleaned]))] if cleaned.count else []
    refused = [place for _, place in message_ids_of(cleaned.quarantine)]
    assert len(refused) == len(cleaned.faults) == len(cleaned.quarantine.splitlines()) == cleaned.blocked
    assert sorted([*rows, *refused]) == sorted(cleaned.lasting_ids)
    return [*rows, *refused]


@given(EVENTS, PLANS)
def test_every_event_is_kept_exactly_once_whatever_the_plan_says_at_each_attempt(events, plans):
    once, written, is_stored = Once(10), [], []
    for attempt, allowed in enumerate(plans):
        looked_up = once.unrepeated(judged(events, allowed, "topic\n0\n7"))
        written += kept(looked_up.cleaned)
        if attempt == 0:
            is_stored = [plan in allowed for plan, _ in events]
        else:
            assert not looked_up.cleaned.count and not looked_up.cleaned.faults
            assert len(looked_up.repeated) == len(events), "each is counted as one that came again"
            assert once.knows("p", looked_up.repeated)
        assert looked_up.stored_before == (sum(is_stored) if attempt else 0)
        told = [position for position, _ in looked_up.faults]
        assert told == [position for position, good in enumerate(is_stored) if not good], "the answer is the one of the first time"
        reasons = dict(looked_up.faults)
        assert all((reasons[position] == REFUSED_BEFORE) == (events[position][0] in allowed) for position in told if attempt)
    assert len(written) == len(events) and max(Counter(written).values()) == 1


@given(EVENTS, PLANS)
def test_requests_under_different_seeds_have_nothing_in_common(events, plans):
    anonymous = [(plan, False) for plan, _ in events]
    once, written = Once(10), []
    for number, allowed in enumerate(plans):
        written += kept(once.unrepeated(judged(anonymous, allowed, f"topic\n0\n{number}")).cleaned)
    assert len(set(written)) == len(events) * len(plans)


@given(EVENTS, PLANS)
def test_what_could_not_be_written_is_kept_by_the_next_attempt(events, plans):
    once = Once(10)
    for allowed in plans:
        cleaned = once.unrepeated(judged(events, allowed, "s")).cleaned
        assert len(kept(cleaned)) == len(events)
        once.forget("p", cleaned.lasting_ids)
