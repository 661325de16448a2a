"""What keeps `plumbline serve` from starting is said before the front end is built and the database touched."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.kernel.settings import get_settings
from app.runtime_file import DataFolderLock
from tests.ports import free_port


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PLUMBLINE_PORT", "0")  # `--port` sets it; what it sets is taken back with this
    get_settings.cache_clear()

    def slow(*_: object) -> None:
        raise AssertionError("the start went on")

    monkeypatch.setattr("app.frontend.ensure_built", slow)
    monkeypatch.setattr("app.migrations.upgrade", slow)
    return tmp_path


def test_a_data_folder_in_use_is_told_at_once(folder: Path) -> None:
    with DataFolderLock(folder):
        answer = CliRunner().invoke(app, ["serve", "--port", str(free_port())])
    assert answer.exit_code == 1
    assert "is in use by process" in answer.output


def test_a_port_in_use_is_told_at_once(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = CliRunner().invoke(app, ["serve", "--port", str(taken.getsockname()[1])])
    assert answer.exit_code == 1
    assert "choose another with --port" in answer.output


def test_a_file_where_the_data_folder_should_be_is_named_as_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = folder / "taken"
    taken.write_text("not a folder")
    for path, why in ((taken, "a file has this name"), (taken / "below", "a part of this path is a file")):
        monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(path))
        answer = CliRunner().invoke(app, ["serve", "--port", str(free_port())])
        expected = f"plumbline: cannot use the data folder {path}: {why}; choose another with PLUMBLINE_DATA_DIR\n"
        assert (answer.exit_code, answer.output) == (1, expected)
