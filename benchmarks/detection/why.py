"""How often the planted cause comes first: `python -m benchmarks.detection.why`.

Incidents are made up as records with noise, distractions around them, and put through the ranking; a second set has no cause.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from app.detection.contracts import Direction
from app.detection.why.contracts import (
    Cause,
    ChartMark,
    FieldDrift,
    Findings,
    LogBurst,
    NewRelease,
    PlanChange,
    PlannedWindow,
    SourceState,
    Subject,
    ValueMove,
)
from app.detection.why.ranking import rank
from app.metrics.contracts import ScopeType, SeriesKey

AT = datetime(2026, 3, 9, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOAL = "planted cause first in at least 80 %; without one unknown"

Random = np.random.Generator
Planter = Callable[[Random, Subject, Findings], Findings]


def subject_of(random: Random) -> Subject:
    """A drop to 0 to 50 %, or a spike to 2 to 5 times, of 50 to 20,000 expected events."""
    expected = float(np.exp(random.uniform(np.log(50), np.log(20_000))))
    is_drop = random.random() < 0.65
    actual = expected * (random.uniform(0.0, 0.5) if is_drop else random.uniform(2.0, 5.0))
    key = SeriesKey("scan", ScopeType.EVENT, "event")
    return Subject(key, Direction.DROP if is_drop else Direction.SPIKE, AT, AT, HOUR, round(actual), expected)


def quiet(random: Random, subject: Subject) -> Findings:
    """What lies around any incident: values that share the change evenly, and things that happened too early or elsewhere."""
    values: list[ValueMove] = []
    ratio = subject.actual / subject.expected
    for column, size in (("country", 6), ("platform", 3)):
        shares = random.dirichlet(np.full(size, 2.0))
        for place, share in enumerate(shares):
            mean = share * subject.expected
            values.append(ValueMove(column, f"v{place}", float(random.poisson(mean * ratio)), mean))
    usual_errors = random.uniform(0, 60)
    share = random.uniform(0.05, 0.4)
    carried = share * (subject.actual - subject.expected) * random.uniform(0.7, 1.3)
    return Findings(
        values=tuple(values),
        planned=(PlannedWindow("p0", "Load test", "", AT - 9 * HOUR, AT - 7 * HOUR, False),),
        marks=(ChartMark("m0", "Newsletter", AT - random.uniform(8, 40) * HOUR, False),),
        releases=(
            NewRelease(
                "1.9.0", AT - random.uniform(2, 40) * HOUR, share, share * subject.expected + carried, share * subject.expected
            ),
        ),
        plan_changes=(PlanChange("c0", "icons", AT - random.uniform(0, 6) * HOUR, True, 4),),
        drifts=(FieldDrift("d0", "Shop", "coupon", "missing_field", AT - random.uniform(10, 400) * HOUR),),
        source=SourceState(0, 0, 8, int(random.integers(0, 4)), 9_000, 10_000, random.uniform(0.93, 1), 0.97),
        logs=(LogBurst("api", int(random.poisson(usual_errors)), usual_errors),),
    )


def _one_value(random: Random, subject: Subject, found: Findings) -> Findings:
    column = "platform" if random.random() < 0.5 else "country"
    moves = [one for one in found.values if one.column == column]
    target = max(moves, key=lambda one: one.expected) if subject.direction is Direction.DROP else moves[0]
    lost = subject.actual - subject.expected
    changed = []
    for one in found.values:
        if one.column != column:
            changed.append(one)
        elif one is target:
            changed.append(replace(one, actual=float(random.poisson(max(0.0, one.expected + lost)))))
        else:
            changed.append(replace(one, actual=float(random.poisson(one.expected))))
    return replace(found, values=tuple(changed))


def _release(random: Random, subject: Subject, found: Findings) -> Findings:
    share = random.uniform(0.3, 0.9)
    expected = share * subject.expected
    carried = (subject.actual - subject.expected) * random.uniform(0.85, 1.1)
    made = NewRelease("2.0.0", AT - random.uniform(0, 12) * HOUR, share, max(0.0, expected + carried), expected)
    return replace(found, releases=(*found.releases, made))


def _merge(random: Random, _: Subject, found: Findings) -> Findings:
    made = PlanChange("c1", "rename", AT - random.uniform(0, 3) * HOUR, True, 2, ("the event checkout",))
    return replace(found, plan_changes=(*found.plan_changes, made))


def _annotation(random: Random, _: Subject, found: Findings) -> Findings:
    made = ChartMark("m1", "Outage", AT - random.uniform(-0.9, 3) * HOUR, bool(random.random() < 0.5))
    return replace(found, marks=(*found.marks, made))


def _planned(random: Random, _: Subject, found: Findings) -> Findings:
    made = PlannedWindow("p1", "Sale", "", AT - random.uniform(0, 20) * HOUR, AT + 4 * HOUR, bool(random.random() < 0.5))
    return replace(found, planned=(*found.planned, made))


def _drift(random: Random, _: Subject, found: Findings) -> Findings:
    kind = ("missing_field", "type_changed", "enum_violation")[int(random.integers(3))]
    made = FieldDrift("d1", "Shop", "amount", kind, AT + random.uniform(0, 2) * HOUR)
    return replace(found, drifts=(*found.drifts, made))


def _silent_source(random: Random, _: Subject, found: Findings) -> Findings:
    total = random.uniform(0, 0.15) * 10_000
    return replace(found, source=replace(found.source, other_fallen=int(random.integers(7, 9)), total_actual=total))


def _late_rows(random: Random, _: Subject, found: Findings) -> Findings:
    return replace(found, source=replace(found.source, missing_buckets=int(random.integers(1, 5))))


def _log_errors(random: Random, _: Subject, found: Findings) -> Findings:
    usual = random.uniform(1, 30)
    return replace(found, logs=(LogBurst("payments", int(random.poisson(usual * random.uniform(8, 30)) + 10), usual),))


PLANTERS: dict[str, tuple[Planter, Cause, str | None]] = {
    "one value": (_one_value, Cause.BREAKDOWN, None),
    "release": (_release, Cause.RELEASE, "2.0.0"),
    "plan merge": (_merge, Cause.PLAN_CHANGE, "c1"),
    "annotation": (_annotation, Cause.ANNOTATION, "m1"),
    "planned event": (_planned, Cause.PLANNED_EVENT, "p1"),
    "schema drift": (_drift, Cause.SCHEMA_DRIFT, "d1"),
    "silent source": (_silent_source, Cause.SOURCE, None),
    "late rows": (_late_rows, Cause.SOURCE, None),
    "log errors": (_log_errors, Cause.LOG_ERRORS, "payments"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--incidents", type=int, default=400, help="of each kind")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    first: dict[str, int] = defaultdict(int)
    for name, (plant, cause, ref) in PLANTERS.items():
        for _ in range(arguments.incidents):
            subject = subject_of(random)
            while name == "silent source" and subject.direction is not Direction.DROP:
                subject = subject_of(random)
            told = rank(subject, plant(random, subject, quiet(random, subject))).explanations
            first[name] += bool(told) and told[0].cause is cause and ref in (None, told[0].ref)
        print(f"{name:14} first {first[name] / arguments.incidents:6.1%}")
    unknown = sum(
        rank(subject, quiet(random, subject)).is_unknown for subject in (subject_of(random) for _ in range(arguments.incidents))
    )
    print(f"{'all causes':14} first {sum(first.values()) / arguments.incidents / len(PLANTERS):6.1%}")
    print(f"{'no cause':14} unknown {unknown / arguments.incidents:6.1%}   ({arguments.incidents} incidents of each kind)")
    print(f"Goal: {GOAL}")


if __name__ == "__main__":
    main()
