"""Explanations that come from counting: values that carry the change, the source as a whole, error lines. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from app.detection.contracts import Direction
from app.detection.why.contracts import Cause, Explanation, LogBurst, SourceState, Subject, ValueMove

LEAST_LIFT = 0.08
LEAST_CONCENTRATION = 0.45
SIGNIFICANT = 3.0
LEAST_UNMATCHED = 0.2

FALLEN_SHARE, LEAST_SERIES = 0.8, 2
OUTAGE_RATIO = 0.2
SOURCE_FELL, CAUGHT_UP, LATE, RUN_FAILED, UNMATCHED = 0.85, 0.8, 0.6, 0.5, 0.7

LEAST_ERRORS, LEAST_ERROR_RATIO, LEAST_ERROR_SIGMA = 10, 3.0, 4.0
ERRORS = 0.75


def of_values(subject: Subject, values: Sequence[ValueMove]) -> Iterator[Explanation]:
    """Of each column the value without which most of the change would be gone, when it is more than the value's usual share."""
    columns = dict.fromkeys(move.column for move in values)
    for column in columns:
        moves = [move for move in values if move.column == column]
        actual, expected = sum(move.actual for move in moves), sum(move.expected for move in moves)
        found = [one for move in moves if (one := _of_value(subject, move, actual - expected, expected)) is not None]
        if found:
            yield max(found, key=lambda one: (one.strength, one.title))


def _of_value(subject: Subject, move: ValueMove, delta: float, expected: float) -> Explanation | None:
    if delta == 0 or expected <= 0 or math.copysign(1, delta) != math.copysign(1, subject.delta):
        return None
    own = move.actual - move.expected
    without = delta - own
    # Leave one out: how much of the change goes when the value does. Beyond all of it, the others moved the other way.
    carried = max(0.0, min(1.0, 1 - abs(without) / abs(delta))) if own * delta > 0 else 0.0
    usual = min(1.0, move.expected / expected)
    lift = carried - usual
    concentration = lift / (1 - usual) if usual < 1 else 0.0
    excess = abs(own - usual * delta) / math.sqrt(max(1.0, move.expected + move.actual))
    if lift < LEAST_LIFT or concentration < LEAST_CONCENTRATION or excess < SIGNIFICANT:
        return None
    name = move.value or "(empty)"
    change = "drop" if subject.direction is Direction.DROP else "spike"
    return Explanation(
        Cause.BREAKDOWN,
        f"{move.column} = {name}",
        f"{move.column} = {name} carries {carried:.0%} of the {change}, usually it has {usual:.0%} of the count: "
        f"{move.actual:,.0f} instead of {move.expected:,.0f}.",
        (0.4 + 0.5 * concentration) * min(1.0, 0.5 + lift),
        move.ref or f"{move.column}={move.value}",
        {
            "column": move.column,
            "value": move.value,
            "actual": move.actual,
            "expected": round(move.expected, 1),
            "share_of_change": round(carried, 3),
            "usual_share": round(usual, 3),
        },
    )


def unmatched_share(source: SourceState) -> float:
    """How much less of the rows belongs to events of the plan than usual; 0 where that is not known."""
    if source.matched_share is None or source.usual_matched_share is None:
        return 0.0
    return max(0.0, source.usual_matched_share - source.matched_share)


def of_source(subject: Subject, source: SourceState) -> Iterator[Explanation]:
    """What speaks for the source itself: everything fell, buckets are missing, runs failed, rows match no event."""
    is_drop = subject.direction is Direction.DROP
    fell_together = source.other_series >= LEAST_SERIES and source.other_fallen >= FALLEN_SHARE * source.other_series
    if is_drop and fell_together and source.total_actual <= OUTAGE_RATIO * source.total_expected:
        yield Explanation(
            Cause.SOURCE,
            "The whole source fell silent",
            f"{source.other_fallen} of {source.other_series} other series fell too; the scan counted {source.total_actual:,.0f} "
            f"instead of about {source.total_expected:,.0f} in all.",
            SOURCE_FELL,
            "",
            {
                "series": source.other_series,
                "fallen": source.other_fallen,
                "total_actual": source.total_actual,
                "total_expected": round(source.total_expected, 1),
            },
        )
    if source.missing_buckets:
        buckets = f"{source.missing_buckets} bucket{'s' if source.missing_buckets > 1 else ''}"
        yield Explanation(
            Cause.SOURCE,
            "Late or missing data",
            f"{buckets} beside it {'were' if source.missing_buckets > 1 else 'was'} never collected"
            + (": late rows may have come all at once." if not is_drop else ": the source may not have had all rows."),
            LATE if is_drop else CAUGHT_UP,
            "",
            {"missing_buckets": source.missing_buckets},
        )
    if source.failed_runs:
        yield Explanation(
            Cause.SOURCE,
            "Failed runs of the scan",
            f"{source.failed_runs} run{'s' if source.failed_runs > 1 else ''} of the scan failed while it lasted.",
            RUN_FAILED,
            "",
            {"failed_runs": source.failed_runs},
        )
    lost = unmatched_share(source)
    if is_drop and lost >= LEAST_UNMATCHED:
        yield Explanation(
            Cause.SCHEMA_DRIFT,
            "Rows that match no event",
            f"{source.matched_share:.0%} of the rows belong to an event of the plan, usually {source.usual_matched_share:.0%}: "
            "they arrive under names or values the plan does not know.",
            min(0.9, UNMATCHED + lost / 4),
            "unmatched",
            {"matched_share": round(source.matched_share or 0, 3), "usual_share": round(source.usual_matched_share or 0, 3)},
        )


def of_logs(logs: Sequence[LogBurst]) -> Iterator[Explanation]:
    """Services with far more error lines than usual around the first bucket."""
    for burst in logs:
        usual = max(1.0, burst.usual)
        ratio = burst.count / usual
        sigma = (burst.count - usual) / math.sqrt(usual)
        if burst.count < LEAST_ERRORS or ratio < LEAST_ERROR_RATIO or sigma < LEAST_ERROR_SIGMA:
            continue
        name = burst.service or "the services"
        yield Explanation(
            Cause.LOG_ERRORS,
            f"Errors of {name}",
            f"{name} logged {burst.count:,} errors around its first bucket, usually {burst.usual:,.0f} in as much time.",
            ERRORS * min(1.0, math.log2(ratio) / 3),
            burst.service,
            {"errors": burst.count, "usual": round(burst.usual, 1), "ratio": round(ratio, 1)},
        )
