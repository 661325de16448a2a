"""How pages speak of scans and their runs."""

from __future__ import annotations

from components.format import full_number

MODES = {
    None: "Scan",
    "metrics_collection": "Collection",
    "metrics_replay": "Replay",
    "event_groups_apply": "Event groups",
}
STATES = {
    "completed": "Completed",
    "failed": "Failed",
    "running": "Running",
    "pending": "Waiting",
    "cancelled": "Cancelled",
}
EVERY = {"15m": "every 15 minutes", "1h": "every hour", "6h": "every 6 hours", "1d": "every day", "1w": "every week"}
TONES = {"completed": "ok", "failed": "bad", "running": "accent", "pending": "neutral", "cancelled": "unknown"}

_RESULTS = (
    ("events_created", "{} new in the plan"),
    ("events_merged", "{} events merged"),
    ("total_count", "{} events counted"),
    ("anomalies_detected", "{} anomalies"),
    ("series_unknown", "{} series not judged"),
)
_FIGURES = (
    ("events_created", "Events created"),
    ("events_skipped", "Events known before"),
    ("events_grouped", "Names that a group rule replaced"),
    ("events_merged", "Events merged"),
    ("variables_created", "Variables created"),
    ("columns_analyzed", "Columns read"),
    ("drifts_found", "Departures from the plan"),
    ("event_count", "Events with rows"),
    ("total_count", "Rows counted"),
    ("matched_count", "Rows of planned events"),
    ("metric_rows", "Counts stored"),
    ("breakdown_rows", "Breakdown counts stored"),
    ("distribution_rows", "Distribution counts stored"),
    ("anomalies_detected", "Anomalies"),
    ("signals_added", "Active signals"),
    ("series_unknown", "Series not judged"),
    ("replay_chunks_completed", "Chunks done"),
    ("replay_chunks_total", "Chunks in all"),
)
_ALWAYS = frozenset({"events_created", "total_count", "anomalies_detected"})


def result_line(summary: dict[str, object]) -> str:
    """The run's result in one line."""
    parts = [
        words.format(full_number(value))
        for key, words in _RESULTS
        if isinstance(value := summary.get(key), int | float) and (value or key == "total_count")
    ]
    return ", ".join(parts)


def figures(summary: dict[str, object]) -> list[list[str]]:
    """(label, number) of everything the run found; what it found nothing of is left out, except its main results."""
    return [
        [label, full_number(value)]
        for key, label in _FIGURES
        if isinstance(value := summary.get(key), int | float) and (value or key in _ALWAYS)
    ]


def counted(number: int, noun: str) -> str:
    """`1 event`, `3 events`."""
    return f"{full_number(number)} {noun}{'' if number == 1 else 's'}"
