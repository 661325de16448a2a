"""The keys of a job's result summary (contract 4.8, 5.3, 5.6). Clients read them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from app.kernel.intervals import Interval
from app.plan.contracts import SyncResult
from app.scans.contracts import SECOND_LOOK_KEYS, JobMode
from app.scans.counting import CollectedCounts
from app.scans.windows import SecondLook, Window

WHOLE_WINDOW = "whole-window"
_NAMES_SHOWN = 5
_SAME_REPLAY = ("mode", "time_from", "time_to", "replay_chunk_interval", "replay_counts", "replay_chunks_total")


def timestamp(moment: datetime) -> str:
    """The instant as summaries carry it: ISO 8601, UTC, `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def replay_start(window: Window, width: Interval | None, chunk_count: int, counts: str = "") -> dict[str, object]:
    """The summary of a replay when it is queued; `counts` stands for everything the config counts by."""
    return {
        "mode": JobMode.REPLAY.value,
        "time_from": timestamp(window.start),
        "time_to": timestamp(window.stop),
        "catalog_sync_skipped": True,
        "replay_chunk_interval": width.value if width else WHOLE_WINDOW,
        "replay_chunks_total": chunk_count,
        "replay_chunks_completed": 0,
        "replay_progress_percent": 0,
        "replay_progress_phase": "queued",
        **({"replay_counts": counts} if counts else {}),
    }


def resumed(start: Mapping[str, object], before: Mapping[str, object]) -> dict[str, object]:
    """`start` with the chunks that the replay before has finished; as it is for another range, width or query."""
    done = before.get("replay_chunks_completed")
    if not isinstance(done, int) or not done or any(before.get(key) != start.get(key) for key in _SAME_REPLAY):
        return dict(start)
    counted = {key: before[key] for key in ("metric_rows", "breakdown_rows", "distribution_rows") if key in before}
    percent = replay_progress("queued", completed=done, total=int(str(start["replay_chunks_total"])))
    return {**start, **percent, **counted, "replay_chunks_resumed": done}


def resumed_sentences(summary: Mapping[str, object]) -> list[str]:
    """What a replay tells people about chunks that it did not count itself."""
    done = summary.get("replay_chunks_resumed")
    return [f"Went on after {done} of {summary['replay_chunks_total']} chunks that the replay before had counted."] if done else []


def replay_progress(phase: str, *, completed: int, total: int, current: Window | None = None) -> dict[str, object]:
    """The keys that change while a replay runs; chunks are numbered from 1."""
    percent = 100 if total == 0 else completed * 100 // total
    progress: dict[str, object] = {
        "replay_chunks_completed": completed,
        "replay_progress_percent": percent,
        "replay_progress_phase": phase,
    }
    if current is not None:
        progress["replay_current_chunk_index"] = completed + 1
        progress["replay_current_chunk_from"] = timestamp(current.start)
        progress["replay_current_chunk_to"] = timestamp(current.stop)
    return progress


def replay_window_of(summary: Mapping[str, object]) -> Window:
    """The window that a queued replay asks for."""
    return Window(datetime.fromisoformat(str(summary["time_from"])), datetime.fromisoformat(str(summary["time_to"])))


def catalog_keys(result: SyncResult, *, creation_limit: int) -> dict[str, object]:
    """What the catalog sync did, with its sentences for people."""
    details = []
    if result.event_types_created:
        shown = ", ".join(result.event_types_created[:_NAMES_SHOWN])
        more = len(result.event_types_created) - _NAMES_SHOWN
        details.append(f"New event types: {shown}{f' and {more} more' if more > 0 else ''}.")
    if result.not_created:
        details.append(f"{result.not_created} events were not created: one run creates at most {creation_limit}.")
    return {
        "events_created": result.created,
        "events_skipped": result.skipped,
        "events_grouped": 0,
        "events_merged": 0,
        "variables_created": 0,
        "columns_analyzed": 2,
        "details": details,
    }


def with_drifts(keys: dict[str, object], drift_count: int, notes: Sequence[str]) -> dict[str, object]:
    """The catalog sync's keys with what it noticed about the data and how many drifts it found."""
    details = [*notes, *keys["details"]]  # type: ignore[misc]
    if drift_count:
        found = "1 departure from the plan was" if drift_count == 1 else f"{drift_count} departures from the plan were"
        details.append(f"{found} found; see Drifts.")
    return {**keys, "drifts_found": drift_count, "details": details}


def collection_keys(window: Window, collected: Sequence[CollectedCounts]) -> dict[str, object]:
    """What the collection stores."""
    events, total, matched = collection_totals(collected)
    stored = {"metric_rows": 0, "breakdown_rows": 0, "distribution_rows": 0}
    for chunk in collected:
        for key, count in stored_rows(chunk).items():
            stored[key] += count
    return {
        "event_count": events,
        **stored,
        "total_count": total,
        "matched_count": matched,
        "time_from": timestamp(window.start),
        "time_to": timestamp(window.stop),
    }


def second_look_of(summary: Mapping[str, object]) -> SecondLook | None:
    """What the run with that summary left for another look."""
    start, since = (summary.get(key) for key in SECOND_LOOK_KEYS)
    return SecondLook(datetime.fromisoformat(str(start)), datetime.fromisoformat(str(since))) if start and since else None


def second_look_keys(look: SecondLook | None) -> dict[str, object]:
    """The keys of what is left for another look; none when nothing is."""
    return {} if look is None else dict(zip(SECOND_LOOK_KEYS, (timestamp(look.start), timestamp(look.since)), strict=True))


def stored_rows(chunk: CollectedCounts) -> dict[str, int]:
    """How many rows of each kind the chunk has."""
    return {
        "metric_rows": len(chunk.rows),
        "breakdown_rows": len(chunk.breakdowns),
        "distribution_rows": len(chunk.distributions),
    }


def evaluation_keys(anomalies: int, signals: int, unknown: int) -> dict[str, object]:
    """What detection found."""
    return {"anomalies_detected": anomalies, "signals_added": signals, "series_unknown": unknown, "alerts_queued": 0}


def collection_totals(collected: Sequence[CollectedCounts]) -> tuple[int, int, int]:
    """(events with rows, observed rows, rows of planned events) over all chunks."""
    events = set().union(*(chunk.last_seen for chunk in collected)) if collected else set()
    coverage = [row for chunk in collected for row in chunk.coverage]
    return len(events), sum(row.total_count for row in coverage), sum(row.matched_count for row in coverage)
