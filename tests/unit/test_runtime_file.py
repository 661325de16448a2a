"""What an instance leaves in its data folder."""

from __future__ import annotations

import os

import pytest

from app.runtime_file import (
    RUNTIME_FILE,
    DataFolderInUse,
    DataFolderLock,
    RuntimeRecord,
    read_runtime_record,
    remove_runtime_record,
    write_runtime_record,
)

RECORD = RuntimeRecord(7, "http://127.0.0.1:8000", "http://127.0.0.1:4321", 4321, "secret")


def test_a_record_is_readable_by_its_owner_only_while_the_instance_runs(tmp_path):
    with DataFolderLock(tmp_path):
        write_runtime_record(tmp_path, RECORD)
        assert read_runtime_record(tmp_path) == RECORD
        assert (tmp_path / RUNTIME_FILE).stat().st_mode & 0o777 == 0o600
    assert read_runtime_record(tmp_path) is None


def test_a_folder_without_a_record_has_none(tmp_path):
    remove_runtime_record(tmp_path)

    assert read_runtime_record(tmp_path) is None
    assert read_runtime_record(tmp_path / "missing") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": 1}', '{"unknown": 1}'])
def test_a_damaged_record_is_none(tmp_path, text):
    with DataFolderLock(tmp_path):
        (tmp_path / RUNTIME_FILE).write_text(text)
        assert read_runtime_record(tmp_path) is None


def test_a_second_holder_is_told_who_the_first_is(tmp_path):
    with DataFolderLock(tmp_path), pytest.raises(DataFolderInUse, match=f"process {os.getpid()}$"):
        DataFolderLock(tmp_path)


def test_a_released_folder_can_be_held_again(tmp_path):
    with DataFolderLock(tmp_path):
        pass
    with DataFolderLock(tmp_path):
        pass
