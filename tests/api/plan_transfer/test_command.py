"""`plumbline export` and `plumbline import` on a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.kernel.database import session_scope
from app.plan.branching.rows import load_snapshot
from app.plan.diff import diff
from tests.api.plan.workbench import World, make_world
from tests.factories import make_project

FOLDER = ["event_types/shop.yaml", "meta_fields.yaml", "relations.yaml", "variables.yaml"]


@pytest.fixture
def world(engine) -> World:
    with session_scope(engine) as session:
        return make_world(session)


def run(*arguments: object, code: int = 0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_goes_out_and_comes_in_on_a_branch(engine, world, tmp_path):
    folder = tmp_path / "plan"
    run("export", world.slug, "--format", "yaml", "--output", folder)
    assert written(folder) == FOLDER
    with session_scope(engine) as session:
        other = make_project(session).slug
    report = json.loads(run("import", other, folder, "--branch", "From git", "--json").stdout)
    with session_scope(engine, write=False) as session:
        assert diff(load_snapshot(session, world.branch_id), load_snapshot(session, report["branch"]["id"])) == []
    out = tmp_path / "again.json"
    run("export", other, "--format", "json", "--branch", "From git", "--output", out)
    assert json.loads(out.read_text())["event_types"][0]["name"] == "shop"


def test_a_folder_that_is_written_again_loses_only_what_the_plan_lost(engine, world, tmp_path):
    run("export", world.slug, "--output", tmp_path)
    (tmp_path / "event_types" / "gone.yaml").write_text("# Written by Plumbline.\nevents: []\n")
    (tmp_path / "event_types" / "mine.yaml").write_text("# my own\n")
    first = (tmp_path / "event_types" / "shop.yaml").read_bytes()
    run("export", world.slug, "--output", tmp_path)
    assert written(tmp_path / "event_types") == ["mine.yaml", "shop.yaml"]
    assert (tmp_path / "event_types" / "shop.yaml").read_bytes() == first


def test_a_preview_tells_the_changes_and_the_import_needs_a_branch(world, tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("event_type,name,status\nshop,order_paid,live\n")
    told = run("import", world.slug, table, "--preview").stdout
    assert "changed event shop.order_paid" in told
    assert "0 created, 1 changed, 0 unchanged, 0 error" in told
    assert "--branch" in run("import", world.slug, table, code=2).output
    assert "Branch Mine" in run("import", world.slug, table, "--branch", "Mine").stdout


def test_faults_are_told_one_per_line_and_nothing_is_imported(world, tmp_path):
    table = tmp_path / "events.csv"
    table.write_text("event_type,name,status\nshop,order_paid,nonsense\nnowhere,x,draft\n")
    result = run("import", world.slug, table, "--branch", "Mine", code=1)
    assert "events.csv, row 2, status: must be one of" in result.stderr
    assert "events.csv, row 3, event_type: There is no event type nowhere" in result.stderr
    told = json.loads(run("import", world.slug, table, "--branch", "Mine", "--json", code=1).stdout)
    assert (told["counts"]["error"], told["branch"]) == (2, None)
