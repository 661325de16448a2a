"""Tracking code of a project's plan, over HTTP and from the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from app.cli.main import app
from app.identity.contracts import UserRole
from app.kernel.database import session_scope
from tests.api.plan.workbench import World, make_world


@pytest.fixture
def world(engine) -> World:
    with session_scope(engine) as session:
        return make_world(session)


@pytest.mark.parametrize(
    ("language", "filename"),
    [("typescript", "tracking.ts"), ("python", "tracking.py"), ("swift", "Tracking.swift"), ("kotlin", "Tracking.kt")],
)
def test_anybody_signed_in_downloads_the_code_of_the_plan(client, member, world, language, filename):
    viewer = member(UserRole.VIEWER).headers
    answer = client.get(f"{world.base}/plan/code/{language}", headers=viewer)
    assert answer.status_code == 200
    assert filename in answer.headers["content-disposition"]
    assert "Made by Plumbline from the plan of" in answer.text
    assert answer.text == client.get(f"{world.base}/plan/code/{language}", headers=viewer).text
    assert client.get(f"{world.base}/plan/code/{language}").status_code == 401
    assert client.get(f"{world.base}/plan/code/cobol", headers=viewer).status_code == 422


def test_the_command_writes_the_file_and_tells_later_whether_it_still_holds(engine, client, member, world, tmp_path):
    file = tmp_path / "tracking.py"

    def run(*more: str, code: int = 0):
        result = CliRunner().invoke(app, ["codegen", world.slug, "--language", "python", "--output", str(tmp_path), *more])
        assert result.exit_code == code, result.output
        return result

    file.write_text("outdated")
    run("--check", code=1)
    run()
    run("--check")
    assert file.read_text() == client.get(f"{world.base}/plan/code/python", headers=member(UserRole.VIEWER).headers).text
