"""`plumbline key create`: the key on standard output, what it may do beside it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.kernel.settings import get_settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("PLUMBLINE_DATABASE_URL", raising=False)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def create(*options: str):
    return CliRunner().invoke(app, ["key", "create", "--project", "shop", *options])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "An events key that may send and read nothing; --scope read makes one that reads"),
        (("--scope", "read"), "An events key that may read and send nothing."),
        (("--scope", "write"), "An events key that may send, read and change."),
    ],
)
def test_the_token_stands_alone_and_what_the_key_may_do_beside_it(options, said):
    made = create("--kind", "events", *options)

    assert made.exit_code == 0
    assert len(made.stdout.split()) == 1
    assert said in made.stderr


def test_the_scope_stands_in_the_json():
    made = create("--kind", "logs", "--json")

    assert json.loads(made.stdout).keys() == {"token", "id", "scope"}
    assert json.loads(made.stdout)["scope"] == "append"


def test_a_plan_key_reads_unless_it_is_told_otherwise():
    create("--kind", "events")
    assert "A plan key that may read" in create("--kind", "plan").stderr
    assert create("--kind", "plan", "--scope", "append").exit_code == 2
