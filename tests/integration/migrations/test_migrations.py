"""Up, down and up again on a database with data; the tables of the code and of the database never differ."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from app import migrations
from app.kernel.database import create_engine, session_scope
from models.identity import Tenant
from models.projects import Project
from tests.conftest import BOTH_ENGINES, POSTGRES
from tests.factories import (
    make_anomaly,
    make_api_key,
    make_event,
    make_event_type,
    make_ingest_key,
    make_project,
    make_scan_config,
    make_scan_job,
    make_user,
)


@pytest.fixture(params=BOTH_ENGINES)
def empty_url(request, tmp_path):
    """The URL of a database that nothing has been done to."""
    if request.param == POSTGRES:
        server = request.getfixturevalue("postgres_server")
        name = server.create_database(migrated=False)
        yield server.url(name)
        server.drop_database(name)
    else:
        yield f"sqlite:///{tmp_path / 'fresh' / 'plumbline.db'}"


def tables(url):
    engine = create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def seed(url):
    engine = create_engine(url)
    with session_scope(engine) as session:
        project = make_project(session)
        make_event(session, make_event_type(session, project))
        config = make_scan_config(session, project)
        make_scan_job(session, config)
        make_anomaly(session, config, bucket=datetime.now(UTC))
        make_ingest_key(session, project)
        make_api_key(session, make_user(session), project=project)
    engine.dispose()


def test_a_fresh_database_gets_every_table_and_the_default_tenant(empty_url):
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    assert tables(empty_url) == set(SQLModel.metadata.tables) | {"alembic_version"}
    engine = create_engine(empty_url)
    with session_scope(engine, write=False) as session:
        tenant = session.exec(select(Tenant)).one()
        assert (tenant.id, tenant.plan, tenant.status) == ("tenant_default", "enterprise", "active")
        assert tenant.created_at.tzinfo is not None
    engine.dispose()


def test_the_code_and_the_database_do_not_differ(empty_url):
    migrations.upgrade(empty_url)
    assert migrations.differences(empty_url) == []


def test_up_down_and_up_again_works_on_a_database_with_data(empty_url):
    migrations.upgrade(empty_url)
    seed(empty_url)
    migrations.downgrade(empty_url, migrations.BASE)
    assert tables(empty_url) <= {"alembic_version"}
    assert migrations.current(empty_url) is None
    migrations.upgrade(empty_url)
    seed(empty_url)
    assert migrations.differences(empty_url) == []


def test_upgrading_again_keeps_the_data(empty_url):
    migrations.upgrade(empty_url)
    seed(empty_url)
    revision = migrations.current(empty_url)
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == revision
    engine = create_engine(empty_url)
    with session_scope(engine, write=False) as session:
        assert session.exec(select(Project)).one()
    engine.dispose()


def test_two_that_start_at_once_migrate_once(empty_url):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: migrations.upgrade(empty_url), range(3)))
    assert migrations.differences(empty_url) == []


def test_two_processes_that_start_at_once_both_succeed(empty_url, tmp_path):
    code = "import sys; from app.migrations import upgrade; upgrade(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", code, empty_url], cwd=tmp_path, stderr=subprocess.PIPE) for _ in range(2)]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert migrations.current(empty_url) is not None


def test_a_database_file_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "fresh" / "plumbline.db"
    migrations.upgrade(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_foreign_keys_hold_again_after_a_migration(empty_url):
    migrations.upgrade(empty_url)
    engine = create_engine(empty_url)
    with pytest.raises(sa.exc.IntegrityError), session_scope(engine) as session:
        session.add(Project(tenant_id="nobody", name="A", slug="a"))
    engine.dispose()


def test_a_migration_that_leaves_dangling_rows_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'plumbline.db'}"
    migrations.upgrade(url)
    with pytest.raises(RuntimeError, match="projects"), migrations.locked_connection(url) as connection:
        now = datetime.now(UTC)
        connection.execute(
            sa.insert(Project).values(tenant_id="nobody", name="A", slug="a", description="", created_at=now, updated_at=now)
        )
    engine = create_engine(url)
    with session_scope(engine, write=False) as session:
        assert session.exec(select(Project)).all() == []
    engine.dispose()


def test_the_developers_command_works_from_any_folder(empty_url, tmp_path, settings):
    migrations.upgrade(empty_url)
    command = [sys.executable, "-m", "alembic", "-c", str(migrations.ROOT / "alembic.ini"), "check"]
    environment = {**os.environ, "PLUMBLINE_DATABASE_URL": empty_url}
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No new upgrade operations detected" in done.stdout + done.stderr
