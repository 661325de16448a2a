from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.ingest.folders import claim_folders
from app.ingest.frames import Frame, read_frames
from app.ingest.wal import Append, LogFiles, LogLimits, Segment, WriteAheadLog


class Recorder:
    def __init__(self) -> None:
        self.results: dict[object, OSError | None] = {}
        self.sealed = []
        self.groups: list[int] = []
        self._changed = threading.Condition()

    def on_commit(self, appends, size, error):
        with self._changed:
            self.groups.append(len(appends))
            self.results.update({item.ticket: error for item in appends})
            self._changed.notify_all()

    def on_sealed(self, segment):
        with self._changed:
            self.sealed.append(segment)
            self._changed.notify_all()

    def wait(self, condition):
        with self._changed:
            assert self._changed.wait_for(condition, 60)


class FaultyFiles(LogFiles):
    """Fails chosen calls: `faults` maps (operation, number of the call) to an errno."""

    def __init__(self, faults=None, most_bytes=None):
        self.faults = faults or {}
        self.most_bytes = most_bytes
        self.counts = {"create": 0, "write": 0, "flush": 0, "truncate": 0}

    def _count(self, operation):
        self.counts[operation] += 1
        code = self.faults.get((operation, self.counts[operation]))
        if code is not None:
            raise OSError(code, os.strerror(code))

    def create(self, path):
        self._count("create")
        return super().create(path)

    def write(self, descriptor, buffers):
        if self.most_bytes is not None:
            self.counts["write"] += 1
            return os.write(descriptor, b"".join(buffers)[: self.most_bytes])
        try:
            self._count("write")
        except OSError:
            os.write(descriptor, b"".join(buffers)[:10])  # some bytes reach the disk before the failure is known
            raise
        return super().write(descriptor, buffers)

    def flush(self, descriptor):
        self._count("flush")
        super().flush(descriptor)

    def truncate(self, descriptor, size):
        self._count("truncate")
        super().truncate(descriptor, size)


def item(number: int) -> Append:
    return Append(number, rows=1, size=10)


def frames(numbers: list[int]) -> list[Frame]:
    return [Frame("events", 1, b'{"n":%d}\n' % number) for number in numbers]


def numbers(segments) -> list[bytes]:
    return [frame.payload for segment in segments for frame in read_frames(segment.path.read_bytes()).frames]


def opened(tmp_path, recorder, files=None, **limits):
    limits = LogLimits(**{"rows": 1000, "seconds": 30.0, **limits})
    log = WriteAheadLog(tmp_path, limits, encode=frames, on_commit=recorder.on_commit, on_sealed=recorder.on_sealed, files=files)
    log.start()
    return log


def test_appends_are_reported_after_the_flush_and_are_in_the_segment(tmp_path):
    recorder = Recorder()
    files = FaultyFiles()
    log = opened(tmp_path, recorder, files)
    for number in range(50):
        log.append(item(number))
    recorder.wait(lambda: len(recorder.results) == 50)
    assert files.counts["flush"] == len(recorder.groups)
    log.close()
    assert numbers(recorder.sealed) == [b'{"n":%d}\n' % number for number in range(50)]
    assert set(recorder.results.values()) == {None}
    assert [segment.size for segment in recorder.sealed] == [segment.path.stat().st_size for segment in recorder.sealed]


def test_a_segment_is_sealed_by_rows_and_by_age(tmp_path):
    recorder = Recorder()
    log = opened(tmp_path, recorder, rows=2, seconds=0.05)
    for number in range(4):
        log.append(item(number))
        recorder.wait(lambda number=number: number in recorder.results)
    recorder.wait(lambda: len(recorder.sealed) >= 2)
    log.append(item(9))
    recorder.wait(lambda: b'{"n":9}\n' in numbers(recorder.sealed))
    log.close()
    assert len({segment.token for segment in recorder.sealed}) == len(recorder.sealed)


@pytest.mark.parametrize("hurry", ["is_waiting", "is_prompt"])
def test_a_segment_that_somebody_waits_for_is_sealed_long_before_its_time(tmp_path, hurry):
    recorder = Recorder()
    log = opened(tmp_path, recorder, rows=1000, seconds=600)
    log.append(item(1))
    log.append(replace(item(2), **{hurry: True}))
    recorder.wait(lambda: numbers(recorder.sealed) == [b'{"n":1}\n', b'{"n":2}\n'])
    log.close()


def test_a_busy_segment_is_sealed_as_soon_as_nothing_more_comes(tmp_path):
    recorder = Recorder()
    log = opened(tmp_path, recorder, rows=1_000_000, seconds=600)
    log.append(replace(item(1), rows=20_000))
    log.append(item(2))
    recorder.wait(lambda: numbers(recorder.sealed) == [b'{"n":1}\n', b'{"n":2}\n'])
    log.close()


def test_a_busy_segment_stays_open_longer_while_more_comes_and_never_beyond_its_bound():
    limits = LogLimits(rows=1_000_000, seconds=2.0)
    busy = Segment(Path("busy"), rows=20_000, opened_at=100.0, written_at=104.0)
    assert limits.due_at(busy) == 104.25
    busy.written_at = 105.9
    assert limits.due_at(busy) == 106.0
    assert limits.due_at(Segment(Path("calm"), rows=5, opened_at=100.0, written_at=101.0)) == 102.0


def test_short_writes_are_completed(tmp_path):
    recorder = Recorder()
    log = opened(tmp_path, recorder, FaultyFiles(most_bytes=7))
    for number in range(20):
        log.append(item(number))
    recorder.wait(lambda: len(recorder.results) == 20)
    log.close()
    assert numbers(recorder.sealed) == [b'{"n":%d}\n' % number for number in range(20)]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("operation", ["write", "flush"])
def test_after_a_failure_the_waiters_are_refused_and_a_fresh_segment_is_begun(tmp_path, operation, code):
    recorder = Recorder()
    log = opened(tmp_path, recorder, FaultyFiles({(operation, 2): code}))
    for number in range(3):
        log.append(item(number))
        recorder.wait(lambda number=number: number in recorder.results)
    log.close()
    assert recorder.results[0] is None and recorder.results[2] is None
    assert recorder.results[1].errno == code
    assert len(recorder.sealed) == 2
    assert numbers(recorder.sealed) == [b'{"n":0}\n', b'{"n":2}\n']


def test_a_failure_of_the_first_write_leaves_no_segment_behind(tmp_path):
    recorder = Recorder()
    log = opened(tmp_path, recorder, FaultyFiles({("flush", 1): errno.EIO, ("create", 2): errno.ENOSPC}))
    for number in range(3):
        log.append(item(number))
        recorder.wait(lambda number=number: number in recorder.results)
    log.close()
    assert [recorder.results[number] is None for number in range(3)] == [False, False, True]
    assert numbers(recorder.sealed) == [b'{"n":2}\n']
    assert len(list(tmp_path.glob("*.wal"))) == 1


def test_a_disk_that_became_read_only_refuses_and_never_silences_the_log(tmp_path, monkeypatch):
    """After a fault the system may allow no change at all: whoever waits must be told, and so must everybody who comes later."""

    def refuse(*_arguments, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    recorder = Recorder()
    log = opened(
        tmp_path, recorder, FaultyFiles({("flush", 1): errno.EIO, ("truncate", 1): errno.EROFS, ("create", 2): errno.EROFS})
    )
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        for number in range(2):
            log.append(item(number))
            recorder.wait(lambda number=number: number in recorder.results)
    log.append(item(2))
    recorder.wait(lambda: 2 in recorder.results)
    log.close()
    assert [recorder.results[number] is None for number in range(3)] == [False, False, True]


def test_the_folders_of_the_log_are_on_the_disk_before_anything_is_acknowledged_in_them(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr("app.ingest.folders.flush_folder", flushed.append)
    first, _ = claim_folders(tmp_path / "wal")
    assert flushed == [tmp_path, tmp_path / "wal"]
    first.release()


def test_the_good_size_is_what_counts_when_even_cutting_the_file_fails(tmp_path):
    recorder = Recorder()
    log = opened(tmp_path, recorder, FaultyFiles({("flush", 2): errno.EIO, ("truncate", 1): errno.EIO}))
    for number in range(2):
        log.append(item(number))
        recorder.wait(lambda number=number: number in recorder.results)
    log.close()
    (segment,) = recorder.sealed
    content = read_frames(segment.path.read_bytes()[: segment.size])
    assert [frame.payload for frame in content.frames] == [b'{"n":0}\n']


def test_two_processes_never_share_a_folder_and_left_behind_segments_are_taken_over(tmp_path):
    first, _ = claim_folders(tmp_path)
    second, orphans = claim_folders(tmp_path)
    assert first.path != second.path and orphans == []
    (second.path / "x.wal").write_bytes(b"")
    second.release()
    first.release()
    home, orphans = claim_folders(tmp_path)
    assert home.path == first.path
    assert [folder.path for folder in orphans] == [second.path]
    third, others = claim_folders(tmp_path)
    assert third.path not in (first.path, second.path) and others == []
    for folder in (home, third, *orphans):
        folder.release()
