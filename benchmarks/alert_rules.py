"""How long it takes to ask many rules about many signals, and to simulate a rule over 90 days.

    python -m benchmarks.alert_rules [--rules 500] [--signals 10000] [--days 90]

The peer asks each rule about each signal one after the other with the same pure functions: what the columns save. It runs on a
share of the rules and is scaled up. Both must find the same. Rendering, database and delivery are not part of it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from app.alerting import rules
from app.alerting.contracts import Candidate, RuleFilter, RuleSpec
from app.alerting.matching import CandidateTable
from app.alerting.vocabulary import AlertDirection, AlertScope, FilterField, FilterOperator

NOW = datetime(2026, 11, 25, tzinfo=UTC)
PEER_SHARE = 20
ROUNDS = 5


def main() -> None:
    """Measure and print one JSON object; times in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=90)
    given = parser.parse_args()
    chance = random.Random(7)
    specs = [_rule(chance, index) for index in range(given.rules)]
    signals = [_signal(chance, index, NOW) for index in range(given.signals)]
    share = specs[: max(1, given.rules // PEER_SHARE)]
    asked = rules.Circumstances(NOW, timedelta(days=1))

    def ask_all() -> list[list[Candidate]]:
        table = CandidateTable(signals)
        return [table.matching(spec) for spec in specs]

    def ask_and_remember() -> int:
        return sum(len(rules.look({}, found, asked).firings) for found in ask_all())

    def ask_one_by_one() -> list[list[Candidate]]:
        return [[one for one in signals if rules.first_mismatch(spec, one) is None] for spec in share]

    history = [
        _signal(chance, index, NOW - timedelta(days=given.days) + timedelta(hours=index * given.days * 24 // given.signals))
        for index in range(given.signals)
    ]

    def simulate() -> int:
        return len(rules.replay(CandidateTable(history).matching(specs[0]), timedelta(days=14)))

    if ask_all()[: len(share)] != ask_one_by_one():
        raise SystemExit("the columns and the rules one by one disagree")
    match, peer = _median(ask_all), _median(ask_one_by_one) * given.rules / len(share)
    result = {
        "rules": given.rules,
        "signals": given.signals,
        "match_ms": round(match, 1),
        "match_and_remember_ms": round(_median(ask_and_remember), 1),
        "one_by_one_ms": round(peer, 1),
        "ratio": round(peer / match, 1),
        "simulated_days": given.days,
        "simulation_ms": round(_median(simulate), 1),
        "firings": simulate(),
    }
    print(json.dumps(result))


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _rule(chance: random.Random, index: int) -> RuleSpec:
    events = tuple(f"event-{chance.randrange(1000)}" for _ in range(20))
    return RuleSpec(
        name=f"rule {index}",
        include_project_total=index % 3 != 0,
        notify_on_spike=index % 2 == 0,
        min_percent_delta=0.0 if index == 0 else chance.choice([20.0, 50.0, 90.0]),
        min_expected_count=0.0 if index == 0 else chance.choice([0.0, 100.0, 1000.0]),
        filters=() if index % 4 == 0 else (RuleFilter(FilterField.EVENT, FilterOperator.IN, events),),
    )


def _signal(chance: random.Random, index: int, bucket: datetime) -> Candidate:
    ref = f"event-{index % 1000}"
    expected = chance.uniform(0, 5000)
    direction = chance.choice(list(AlertDirection))
    actual = expected * (chance.uniform(0, 0.9) if direction is AlertDirection.DROP else chance.uniform(1.1, 5))
    return Candidate(AlertScope.EVENT, ref, ref, bucket, direction, actual, expected, id=str(index), event_id=ref)


if __name__ == "__main__":
    main()
