"""Faults injected into a simulated warehouse are named within an hour; a whole warehouse gives no finding.

The simulation draws every event: its time, the warehouse's skewed clock, when it is loaded. The scan counts each hour three minutes
after its end and once more an hour later, as collection does.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import pi, sin

import pytest

from app.reconciliation.ledger import HOUR, Allowance, Finding, FindingKind, HourCount, find

START = datetime(2026, 11, 2, tzinfo=UTC)
FIRST_LOOK = 180.0
FAULT_AT = 30


@dataclass(frozen=True)
class Warehouse:
    """What one pipeline does to events; faults begin with the hour `FAULT_AT`."""

    loss: float = 0.0
    duplicates: float = 0.0
    delay_minutes: float = 0.0
    skew_seconds: float = 1.0
    usual_delay_seconds: float = 90.0


def simulate(warehouse: Warehouse, *, per_hour: int, hours: int, seed: int) -> list[HourCount]:
    """The hours as the last look of a run at the end of the span sees them."""
    rng = random.Random(seed)
    ingested: Counter[int] = Counter()
    rows: dict[int, list[float]] = {}
    for hour in range(hours):
        rate = per_hour * (1 + 0.6 * sin(2 * pi * hour / 24))
        count = max(0, round(rng.gauss(rate, rate**0.5)))
        is_faulty = hour >= FAULT_AT
        for _ in range(count):
            at = (hour + rng.random()) * 3600
            ingested[hour] += 1
            copies = 1 + (is_faulty and rng.random() < warehouse.duplicates) - (is_faulty and rng.random() < warehouse.loss)
            stored = int((at + rng.gauss(0, warehouse.skew_seconds)) // 3600)
            delay = rng.expovariate(1 / warehouse.usual_delay_seconds) + (60 * warehouse.delay_minutes if is_faulty else 0)
            rows.setdefault(stored, []).extend([at + delay] * copies)
    for loaded in rows.values():
        loaded.sort()

    def held(hour: int, at: float) -> int:
        return bisect_left(rows.get(hour, []), at)

    return [
        HourCount(
            hour=START + hour * HOUR,
            ingested=ingested[hour],
            warehoused=held(hour, (hour + 2) * 3600 + FIRST_LOOK),
            first_warehoused=held(hour, (hour + 1) * 3600 + FIRST_LOOK),
            first_at=START + (hour + 1) * HOUR + timedelta(seconds=FIRST_LOOK),
        )
        for hour in range(hours)
    ]


def named_at(hours: list[HourCount], until: int) -> list[Finding]:
    """What a look sees whose scan has counted up to the end of hour `until`."""
    return find(hours[: until + 1], START + (until + 1) * HOUR, Allowance())


@pytest.mark.parametrize("per_hour", [40, 700, 9000])
@pytest.mark.parametrize("seed", range(4))
def test_a_whole_warehouse_gives_no_finding(per_hour, seed):
    hours = simulate(Warehouse(), per_hour=per_hour, hours=60, seed=seed)
    for until in range(len(hours)):
        assert named_at(hours, until) == [], until


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("warehouse", "kind", "share"),
    [
        (Warehouse(loss=0.01), FindingKind.LOSS, 0.01),
        (Warehouse(duplicates=0.005), FindingKind.DUPLICATES, 0.005),
        (Warehouse(delay_minutes=40), FindingKind.LATENESS, 0.6),
    ],
    ids=["drops 1 %", "duplicates 0.5 %", "delays 40 minutes"],
)
def test_a_fault_is_named_within_an_hour_of_its_first_whole_hour_and_by_its_own_name_only(warehouse, kind, share, seed):
    hours = simulate(warehouse, per_hour=9000, hours=FAULT_AT + 8, seed=seed)
    for until in range(FAULT_AT + 1):
        assert named_at(hours, until) == [], "nothing is wrong yet, or the hour has not settled"
    first = named_at(hours, FAULT_AT + 1)
    assert [(one.kind, one.since) for one in first] == [(kind, START + FAULT_AT * HOUR)]
    last = named_at(hours, FAULT_AT + 7)
    assert [(one.kind, one.since, one.until) for one in last] == [(kind, START + FAULT_AT * HOUR, START + (FAULT_AT + 7) * HOUR)]
    assert last[0].share == pytest.approx(share, rel=0.25)
    if kind is FindingKind.LATENESS:
        assert last[0].delay_minutes == pytest.approx(41.5, abs=2)


def test_a_rare_event_that_loses_rows_is_named_once_enough_are_missing():
    hours = simulate(Warehouse(loss=0.05), per_hour=100, hours=FAULT_AT + 13, seed=1)
    named = named_at(hours, FAULT_AT + 12)
    assert [one.kind for one in named] == [FindingKind.LOSS]
    assert named[0].since >= START + FAULT_AT * HOUR


def _hours(*pairs: tuple[int, int | None], gap_after: int | None = None) -> list[HourCount]:
    step: Callable[[int], int] = lambda index: index + (gap_after is not None and index > gap_after)  # noqa: E731
    return [HourCount(START + step(index) * HOUR, *pair) for index, pair in enumerate(pairs)]


def test_an_hour_that_has_not_settled_is_not_judged():
    hours = _hours((1000, 1000), (1000, 0))
    assert find(hours, START + 2 * HOUR, Allowance()) == []
    (lost,) = find(hours, START + 3 * HOUR, Allowance())
    assert (lost.kind, lost.difference, lost.share, lost.until) == (FindingKind.LOSS, 1000, 1.0, START + 2 * HOUR)
    assert find(hours, START + 3 * HOUR, Allowance(settling=timedelta(hours=2))) == []


def test_an_hour_without_a_count_is_unknown_and_not_a_loss():
    assert find(_hours((1000, None), (1000, None)), START + 9 * HOUR, Allowance()) == []


def test_windows_do_not_reach_across_hours_that_nobody_counted():
    pairs = [(100, 98)] * 3
    assert find(_hours(*pairs), START + 9 * HOUR, Allowance())
    assert find(_hours(*pairs[:2], gap_after=0), START + 9 * HOUR, Allowance()) == []


def test_two_episodes_apart_are_two_findings_newest_first():
    hours = _hours((1000, 900), *[(1000, 1000)] * 30, (1000, 1200))
    kinds = [(one.kind, one.since) for one in find(hours, START + 99 * HOUR, Allowance())]
    assert kinds == [(FindingKind.DUPLICATES, START + 31 * HOUR), (FindingKind.LOSS, START)]
