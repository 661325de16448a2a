"""`plumbline status` beside a running, a killed and no instance."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record

RECORD = RuntimeRecord(4711, "http://127.0.0.1:9", "http://127.0.0.1:1", 1, "s" * 40)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_running_instance_is_told_without_its_secret(folder):
    with DataFolderLock(folder):
        write_runtime_record(folder, RECORD)
        result = CliRunner().invoke(app, ["status", "--json"])
        plain = CliRunner().invoke(app, ["status"])
    assert (result.exit_code, plain.exit_code) == (0, 0)
    report = json.loads(result.stdout)
    assert (report["running"], report["pid"], report["url"]) == (True, 4711, RECORD.url)
    assert RECORD.url in plain.stdout
    assert RECORD.store_secret not in result.output + plain.output


def test_what_a_killed_instance_left_behind_is_not_taken_for_one_that_runs(folder):
    write_runtime_record(folder, RECORD)
    result = CliRunner().invoke(app, ["status", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["running"] is False


def test_an_empty_folder_has_none(folder):
    assert CliRunner().invoke(app, ["status"]).exit_code == 1
