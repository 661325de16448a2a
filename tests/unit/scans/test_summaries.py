from datetime import UTC, datetime, timedelta

from app.kernel.intervals import Interval
from app.plan.contracts import SyncResult
from app.scans.summaries import catalog_keys, replay_progress, replay_start, replay_window_of
from app.scans.windows import Window

WINDOW = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))


def test_a_queued_replay_carries_every_key_that_clients_read():
    summary = replay_start(WINDOW, Interval.DAY, 2)
    assert summary == {
        "mode": "metrics_replay",
        "time_from": "2026-03-01T00:00:00Z",
        "time_to": "2026-03-03T00:00:00Z",
        "catalog_sync_skipped": True,
        "replay_chunk_interval": "1d",
        "replay_chunks_total": 2,
        "replay_chunks_completed": 0,
        "replay_progress_percent": 0,
        "replay_progress_phase": "queued",
    }
    assert replay_window_of(summary) == WINDOW


def test_a_replay_in_one_piece_says_so():
    assert replay_start(WINDOW, None, 1)["replay_chunk_interval"] == "whole-window"


def test_progress_names_the_chunk_that_is_being_counted():
    current = Window(WINDOW.start + timedelta(days=1), WINDOW.stop)
    assert replay_progress("counting", completed=1, total=2, current=current) == {
        "replay_chunks_completed": 1,
        "replay_progress_percent": 50,
        "replay_progress_phase": "counting",
        "replay_current_chunk_index": 2,
        "replay_current_chunk_from": "2026-03-02T00:00:00Z",
        "replay_current_chunk_to": "2026-03-03T00:00:00Z",
    }


def test_details_tell_about_event_types_and_what_was_left_out():
    result = SyncResult(3, 2, {}, not_created=4, event_types_created=["a", "b", "c", "d", "e", "f", "g"])
    keys = catalog_keys(result, creation_limit=10_000)
    assert (keys["events_created"], keys["events_skipped"]) == (3, 2)
    assert keys["details"] == [
        "New event types: a, b, c, d, e and 2 more.",
        "4 events were not created: one run creates at most 10000.",
    ]
