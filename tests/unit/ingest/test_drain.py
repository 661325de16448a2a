from __future__ import annotations

import json
import time

import pytest

from app.eventstore.contracts import Rejected
from app.ingest.columns import RowBatch, columns_of, encode_columns
from app.ingest.drain import Drainer, store_segment
from app.ingest.frames import Frame, frame_header, read_frames
from app.ingest.payloads import EventValues
from app.ingest.wal import Segment
from app.kernel.errors import Unavailable
from tests.unit.ingest.harness import MemoryStore


def event(id_: str) -> EventValues:
    return EventValues("web", "click", 1_767_323_045_678, id_, "", "", "", "", None, "", "", "accepted", "", b"{}")


def segment(tmp_path, *frames: tuple[str, list], tail: bytes = b"") -> Segment:
    path = tmp_path / "00000000000000000001-abc-00000001.wal"
    content = b""
    for table, rows in frames:
        if table == "events":
            payload = encode_columns(
                [
                    RowBatch(
                        "t",
                        "p",
                        1_767_323_045_678,
                        "main+1",
                        len(rows),
                        columns_of([event(str(id_)) for id_ in rows]),
                        is_ascii=True,
                    )
                ]
            )
        else:
            payload = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
        content += frame_header(Frame(table, len(rows), payload)) + payload
    path.write_bytes(content + tail)
    return Segment(path, size=len(content + tail))


def rows(*ids: object) -> list:
    return list(ids)


def test_both_tables_are_filled_and_the_file_is_deleted(tmp_path):
    store = MemoryStore()
    whole = segment(tmp_path, ("events", rows(1, 2)), ("quarantine", [{"raw": "x"}]), ("events", rows(3)))
    store_segment(store, whole)
    assert [row["id"] for row in store.events] == list("123")
    assert store.quarantine == [{"raw": "x"}]
    assert store.calls == 2 and not whole.path.exists()


def test_a_torn_end_is_ignored(tmp_path):
    store = MemoryStore()
    store_segment(store, segment(tmp_path, ("events", rows(1)), tail=b"PLW1\x09\x00"))
    assert [row["id"] for row in store.events] == ["1"]


def test_a_lost_confirmation_leads_to_no_second_copy(tmp_path):
    store = MemoryStore()
    store.fail_after = lambda call: call == 1
    whole = segment(tmp_path, ("events", rows(1, 2)), ("quarantine", [{"raw": "x"}]))
    with pytest.raises(Unavailable):
        store_segment(store, whole)
    assert whole.path.exists()
    store_segment(store, whole)
    assert [row["id"] for row in store.events] == ["1", "2"] and len(store.quarantine) == 1


@pytest.mark.parametrize("fail_at", range(1, 40))
def test_only_the_bad_rows_are_quarantined_wherever_the_process_is_stopped(tmp_path, fail_at):
    store = MemoryStore()
    store.poison = b'"bad'
    ids = [1, 2, "bad-a", 3, 4, 5, 6, "bad-b", 7]
    whole = segment(tmp_path, ("events", rows(*ids)))
    store.fail_after = lambda call: call == fail_at
    while whole.path.exists():
        try:
            store_segment(store, whole)
        except Unavailable:
            continue
    assert sorted(row["id"] for row in store.events) == list("1234567")
    assert sorted(json.loads(row["raw"])["id"] for row in store.quarantine) == ["bad-a", "bad-b"]
    assert all(row["tenant_id"] == "t" and "refused by the event store" in row["reason"] for row in store.quarantine)


def test_a_single_bad_row_is_quarantined(tmp_path):
    store = MemoryStore()
    store.poison = b'"bad'
    store_segment(store, segment(tmp_path, ("events", rows("bad"))))
    assert store.events == [] and len(store.quarantine) == 1


def test_refused_quarantine_rows_are_kept_in_a_file_and_block_nothing(tmp_path):
    class Refusing(MemoryStore):
        def insert_lines(self, table, lines, *, rows, token):
            if table == "quarantine":
                raise Rejected("no")
            super().insert_lines(table, lines, rows=rows, token=token)

    store = Refusing()
    whole = segment(tmp_path, ("events", rows(1)), ("quarantine", [{"raw": "x"}]))
    store_segment(store, whole)
    assert len(store.events) == 1 and not whole.path.exists()
    assert whole.path.with_suffix(".refused").read_bytes() == b'{"raw": "x"}\n'


def test_a_segment_damaged_in_the_middle_is_kept_aside(tmp_path):
    store = MemoryStore()
    whole = segment(tmp_path, ("events", rows(1)), ("events", rows(2)), ("events", rows(3)))
    data = bytearray(whole.path.read_bytes())
    data[len(data) // 2] ^= 1
    whole.path.write_bytes(bytes(data))
    store_segment(store, whole)
    assert [row["id"] for row in store.events] == ["1"]
    assert whole.path.with_suffix(".damaged").exists() and not whole.path.exists()


def test_a_segment_that_somebody_deleted_keeps_nothing_behind_it_waiting(tmp_path, caplog):
    store, stored = MemoryStore(), []
    drainer = Drainer(store, stored.append)
    gone, left = segment(tmp_path, ("events", rows(1))), Segment(tmp_path / "2.wal")
    left.path.write_bytes(gone.path.read_bytes())
    left.size = gone.size
    gone.path.unlink()
    drainer.put(gone)
    drainer.put(left)
    drainer.start()
    drainer.close(10)
    assert stored == [gone, left] and [row["id"] for row in store.events] == ["1"]
    assert "deleted by somebody else" in caplog.text


def test_a_power_cut_after_the_store_has_the_rows_does_not_bring_the_segment_back(tmp_path, monkeypatch):
    """The folder is flushed once the file is gone: a store that lost its newest tokens would take the rows a second time."""
    whole, flushed = segment(tmp_path, ("events", rows(1))), []
    monkeypatch.setattr("app.ingest.drain.flush_folder", lambda path: flushed.append((path, whole.path.exists())))
    store_segment(MemoryStore(), whole)
    assert flushed == [(tmp_path, False)]


def test_frames_in_memory_are_stored_without_a_look_at_the_file(tmp_path):
    store = MemoryStore()
    whole = segment(tmp_path, ("events", rows(1, 2)), ("quarantine", [{"raw": "x"}]))
    whole.frames = read_frames(whole.path.read_bytes()).frames
    whole.path.write_bytes(b"")
    store_segment(store, whole)
    assert [row["id"] for row in store.events] == ["1", "2"] and len(store.quarantine) == 1
    assert not whole.path.exists()


def test_only_the_segment_that_is_stored_next_stays_in_memory(tmp_path):
    store, stored = MemoryStore(), []
    store.is_down = True
    drainer = Drainer(store, stored.append)
    segments = []
    for number in range(3):
        one = segment(tmp_path, ("events", rows(number)))
        one.path = one.path.rename(tmp_path / f"{number}.wal")
        one.frames = read_frames(one.path.read_bytes()).frames
        segments.append(one)
        drainer.put(one)
    assert [one.frames is None for one in segments] == [False, True, True]
    drainer.start()
    deadline = time.monotonic() + 60
    while segments[0].frames is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert segments[0].frames is None  # after the first failure it waits, too
    store.is_down = False
    drainer.close(10)
    assert [row["id"] for row in store.events] == list("012") and stored == segments
