"""How long it takes to ask many rules about many signals, and to simulate a rule over 90 days.

    python -m benchmarks.alerting [--rules 500] [--signals 10000] [--days 90] [--url postgresql://user@host/empty_database]

Asking: every signal is of a scope of its own. `mixed` rules have thresholds and filters, `open` rules match every signal; both are
asked with nothing remembered (every match is told) and once more with everything remembered. The peer asks each rule about each
signal with the pure functions, on a share of the rules, scaled up; it must find the same. Simulating: a whole call of the service
with the stored history, its names and its rendered message; without a URL a SQLite file in a temporary folder is used.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col

from app.alerting import rules, service
from app.alerting.contracts import Candidate, DestinationFields, RuleFilter, RuleSpec
from app.alerting.matching import CandidateTable
from app.alerting.rules import Circumstances, Step
from app.alerting.vocabulary import AlertDirection, AlertScope, DestinationType, FilterField, FilterOperator
from app.identity.contracts import SYSTEM_ACTOR
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.kernel.intervals import Interval, floor_to_bucket
from app.migrations import upgrade
from app.projects import service as projects
from models.detection import Anomaly
from models.plan import Event, EventType, PlanBranch
from models.scans import DataSource, ScanConfig

NOW = floor_to_bucket(SYSTEM_CLOCK.now(), Interval.HOUR)
GIVEN = Circumstances(NOW, timedelta(days=1))
PEER_SHARE = 50
ROUNDS = 5
EVENTS = 500
SLUG = "busy"


def main() -> None:
    """Measure and print one JSON object; times in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary folder when left out")
    options = parser.parse_args()
    chance = random.Random(7)
    signals = [_signal(chance, index) for index in range(options.signals)]
    result: dict[str, object] = {"rules": options.rules, "signals": options.signals}
    for name, specs in (
        ("mixed", [_rule(chance, index, options.signals) for index in range(options.rules)]),
        ("open", [RuleSpec(name=f"rule {index}") for index in range(options.rules)]),
    ):
        result[name] = _asked(specs, signals)
    with tempfile.TemporaryDirectory() as folder:
        result["simulation"] = _simulated(
            options.url or f"sqlite:///{Path(folder) / 'history.db'}", chance, options.signals, options.days
        )
    print(json.dumps(result))


def _asked(specs: Sequence[RuleSpec], signals: Sequence[Candidate]) -> dict[str, float]:
    share = specs[: max(1, len(specs) // PEER_SHARE)]

    def together() -> int:
        table = CandidateTable(signals)
        return sum(len(table.look(spec, {}, GIVEN).firings) for spec in specs)

    def one_by_one() -> list[Step]:
        return [rules.look({}, [one for one in signals if rules.first_mismatch(spec, one) is None], GIVEN) for spec in share]

    table = CandidateTable(signals)
    steps = [table.look(spec, {}, GIVEN) for spec in share]
    if steps != one_by_one():
        raise SystemExit("the table and the rules one by one disagree")
    known = [{key: state.notified(NOW, state.bucket) for key, state in step.states.items()} for step in steps]

    def again() -> int:
        return sum(len(table.look(spec, states, GIVEN).firings) for spec, states in zip(share, known, strict=True))

    scale = len(specs) / len(share)
    fresh, peer = _median(together), _median(one_by_one) * scale
    return {
        "told": together(),
        "first_look_ms": round(fresh, 1),
        "second_look_ms": round(_median(lambda: CandidateTable(signals)) + _median(again) * scale, 1),
        "one_by_one_ms": round(peer, 1),
        "ratio": round(peer / fresh, 1),
    }


def _simulated(url: str, chance: random.Random, anomalies: int, days: int) -> dict[str, float]:
    upgrade(url)
    engine = create_engine(url)
    with session_scope(engine) as session:
        destination_id, rule_id = _fill(session, chance, anomalies, days)
    found = []

    def simulate() -> None:
        with session_scope(engine, write=False) as session:
            found.append(service.simulate_rule(session, SYSTEM_ACTOR, SLUG, destination_id, rule_id, days=days, now=NOW))

    taken = _median(simulate)
    engine.dispose()
    return {"days": days, "considered": found[-1].considered_count, "told": len(found[-1].firings), "ms": round(taken, 1)}


def _fill(session: Session, chance: random.Random, anomalies: int, days: int) -> tuple[str, str]:
    """A project whose events had so many anomalies in so many days, with a rule about all of them."""
    project = projects.create_project(session, SYSTEM_ACTOR, "Busy", SLUG)
    branch_id = session.execute(sa.select(col(PlanBranch.id)).where(col(PlanBranch.project_id) == project.id)).scalar_one()
    owned = {"project_id": project.id, "branch_id": branch_id}
    event_type = EventType(**owned, name="shop", display_name="Shop", order=0)
    source = DataSource(name="History", db_type="clickhouse")
    session.add_all([event_type, source])
    session.flush()
    scan = ScanConfig(
        project_id=project.id, data_source_id=source.id, name="Hourly", base_query="SELECT 1", event_type_column="type",
        time_column="at", event_name_format="{name}", interval="1h",
    )  # fmt: skip
    events = [Event(**owned, event_type_id=event_type.id, name=f"event_{number}", order=number) for number in range(EVENTS)]
    session.add_all([scan, *events])
    session.flush()
    places = chance.sample(range(EVENTS * (days * 24 - 1)), anomalies)
    session.execute(
        sa.insert(Anomaly),
        [_anomaly(chance, project.id, scan.id, events[place % EVENTS].id, 1 + place // EVENTS) for place in places],
    )
    fields = DestinationFields(webhook_url="https://hooks.slack.com/services/T000/B000/benchmark")
    destination = service.create_destination(session, SYSTEM_ACTOR, SLUG, DestinationType.SLACK, "Team", fields)
    rule = service.create_rule(session, SYSTEM_ACTOR, SLUG, destination.id, RuleSpec(name="Everything", cooldown_minutes=60))
    return destination.id, rule.id


def _anomaly(chance: random.Random, project_id: str, scan_id: str, event_id: str, hours_ago: int) -> dict[str, object]:
    bucket = NOW - timedelta(hours=hours_ago)
    one = _signal(chance, 0)
    return {
        "project_id": project_id, "scan_config_id": scan_id, "scope_type": "event", "scope_ref": event_id, "bucket": bucket,
        "last_bucket": bucket, "bucket_seconds": 3600, "direction": one.direction.value, "actual_count": round(one.actual),
        "expected_count": one.expected, "stddev": 1.0, "z_score": 5.0, "created_at": bucket,
    }  # fmt: skip


def _rule(chance: random.Random, index: int, signals: int) -> RuleSpec:
    rule = RuleSpec(
        name=f"rule {index}",
        notify_on_spike=index % 2 == 0,
        min_percent_delta=chance.choice([0.0, 20.0, 50.0, 90.0]),
        min_expected_count=chance.choice([0.0, 100.0, 1000.0]),
    )
    if index % 4 == 0:
        return rule
    events = tuple(f"event-{chance.randrange(signals)}" for _ in range(20))
    return replace(rule, filters=(RuleFilter(FilterField.EVENT, FilterOperator.IN, events),))


def _signal(chance: random.Random, index: int) -> Candidate:
    ref = f"event-{index}"
    expected = chance.uniform(0, 5000)
    direction = chance.choice(list(AlertDirection))
    actual = expected * (chance.uniform(0, 0.9) if direction is AlertDirection.DROP else chance.uniform(1.1, 5))
    return Candidate(AlertScope.EVENT, ref, ref, NOW, direction, actual, expected, id=str(index), event_id=ref)


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
