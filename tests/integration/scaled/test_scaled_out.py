"""Two web, two ingest and one job process on PostgreSQL and a ClickHouse address, each killed in turn."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from app.eventstore.client import ClickHouseEventStore
from app.frontend import ensure_built
from app.identity.contracts import ApiKeyScope, UserRole
from app.ingest.folders import unstored_segments
from app.kernel.database import create_engine
from app.projects.onboarding import create_watched_project
from app.scans import service as scans
from models.projects import Project
from models.scans import JobLease, ScanConfig
from tests.eventstore_fixtures import RETENTION_DAYS, StoreProcess
from tests.factories import make_actor, make_api_key, make_ingest_key, make_user
from tests.integration.scaled.browser import BrowserTab
from tests.integration.scaled.processes import Member, Sender, eventually, store_url
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

LEASE_SECONDS = 5
LOADED = "reflex___state____state.app___ui____app_state.app___frame____project_state.app___page_states____loaded_state"
HOME = f"{LOADED}.app___projects___pages___home____home_state"


class Installation:
    """Everything that runs, and what the test knows of it."""

    def __init__(self, folder, database_url, redis_url):
        self.engine = create_engine(database_url)
        self.store = StoreProcess(folder / "store")
        self.store.data_dir.mkdir()
        self.client = ClickHouseEventStore(self.store.address)
        shared = {
            "PLUMBLINE_DATABASE_URL": database_url,
            "PLUMBLINE_EVENTSTORE_URL": store_url(self.store),
            "PLUMBLINE_REDIS_URL": redis_url,
            "PLUMBLINE_SECRET_KEY": "s" * 40,
            "PLUMBLINE_ENCRYPTION_KEYS": "e" * 40,
            "PLUMBLINE_LEASE_SECONDS": str(LEASE_SECONDS),
            "PLUMBLINE_DRAIN_SECONDS": "0.2",
            "PLUMBLINE_MIN_FREE_DISK_BYTES": "0",
            "PLUMBLINE_LOG_LEVEL": "warning",
        }
        no_jobs = {**shared, "PLUMBLINE_JOBS_ENABLED": "false"}
        self.ingest = [Member("app.ingest.server", folder / f"ingest{number}", shared) for number in (1, 2)]
        # The second web process stands by for the jobs.
        self.web = [Member("app.web", folder / "web1", no_jobs), Member("app.web", folder / "web2", shared)]
        self.worker = Member("app.worker", folder / "worker", shared)
        with Session(self.engine) as session:
            actor = make_actor(session, UserRole.OWNER)
            self.slug = create_watched_project(session, actor, "Scaled", "scaled").slug
            project = session.exec(sa.select(Project).where(Project.slug == self.slug)).scalar_one()
            self.project_id, self.tenant_id = project.id, project.tenant_id
            self.config_id = session.exec(sa.select(ScanConfig.id).where(ScanConfig.project_id == project.id)).scalar_one()
            _, self.ingest_token = make_ingest_key(session, project)
            _, self.api_token = make_api_key(session, make_user(session), scope=ApiKeyScope.WRITE)
            self.actor = make_actor(session, UserRole.EDITOR)
            session.commit()

    def start(self):
        self.store.start()
        self.client.ensure_schema(RETENTION_DAYS)
        for member in self.members:
            member.start()
        for member in self.members:
            member.wait_until_ready()

    @property
    def members(self):
        return [*self.ingest, *self.web, self.worker]

    def leader(self):
        """Who holds the scheduler's lease and renews it."""
        with Session(self.engine) as session:
            lease = session.get(JobLease, scans.SCHEDULER)
            return lease.holder if lease is not None and lease.expires_at > datetime.now(UTC) else None

    def leads(self, member):
        """Whether the process is the leader: its number is in the name of the holder."""
        return f"/{member.process.pid}/" in f"/{self.leader()}/"

    def answers(self, member):
        """Whether a page and the API answer."""
        page, _ = member.get("/login")
        api, body = member.get("/api/v1/projects", {"Authorization": f"Bearer {self.api_token}"})
        return page == 200 and api == 200 and b'"scaled"' in body

    def request_scan(self):
        with Session(self.engine) as session:
            job = scans.request_run(session, self.actor, self.slug, self.config_id)
            session.commit()
            return job.id

    def scan_is_done(self, job_id):
        with Session(self.engine) as session:
            status = scans.get_job(session, self.actor, self.slug, job_id).status
        assert status in ("pending", "running", "completed"), status
        return status == "completed"

    def stored_ids(self):
        rows = self.client._connected().query(
            f"SELECT id FROM {self.store.address.database}.events WHERE project_id = '{self.project_id}'"
        )
        return [row[0] for row in rows.result_rows]

    def close(self):
        for member in self.members:
            if member.process is not None:
                member.kill()
        self.client.close()
        if self.store.process is not None:
            self.store.kill()
        self.engine.dispose()


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A Redis server where the machine has one; without it each web process keeps the state of its own pages."""
    binary = shutil.which("redis-server")
    if binary is None:
        yield ""
        return
    port = free_port()
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    )
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def installation(tmp_path_factory, postgres_server, redis_url):
    ensure_built()
    name = postgres_server.create_database()
    built = Installation(tmp_path_factory.mktemp("installation"), postgres_server.url(name), redis_url)
    try:
        built.start()
        yield built
    finally:
        built.close()
        postgres_server.drop_database(name)


def test_a_page_begun_at_one_web_process_goes_on_at_the_other(installation, redis_url):
    if not redis_url:
        pytest.skip("redis-server is not installed")
    first, second = installation.web
    account = {"email": "ann@example.com", "password": "correct horse battery", "name": "Ann"}
    registered = httpx.post(f"http://127.0.0.1:{first.port}/api/v1/auth/register", json=account, timeout=60)
    tab = BrowserTab(f"plumbline_session={registered.cookies['plumbline_session']}")

    tab.call(first.port, f"{HOME}.type_slug", {"text": "mine"})
    change = tab.call(second.port, f"{HOME}.type_name", {"text": "Big shop"})

    # The other process knows that the slug was typed by hand: it leaves it alone.
    assert change[HOME] == {"name_rx_state_": "Big shop"}


def test_each_process_may_die_and_nothing_acknowledged_is_lost_or_stored_twice(installation):
    senders = [Sender(member.port, installation.ingest_token) for member in installation.ingest]
    for sender in senders:
        sender.start()
    eventually(lambda: all(len(sender.acknowledged) > 200 for sender in senders), "the first batches being acknowledged")

    for member in installation.ingest:
        member.restart_killed()
    installation.store.kill()
    before = [len(sender.acknowledged) for sender in senders]
    eventually(
        lambda: all(len(sender.acknowledged) > count + 100 for sender, count in zip(senders, before, strict=True)),
        "events being acknowledged while the event store is away",
    )
    installation.store.start()
    for member, other in zip(installation.web, reversed(installation.web), strict=True):
        member.kill()
        assert installation.answers(other)
        member.start()
        member.wait_until_ready()
        assert installation.answers(member)

    # Both of those that run jobs die in turn; the other one leads afterwards and takes what is queued.
    standby = installation.web[1]
    for victim, heir in ((installation.worker, standby), (standby, installation.worker)):
        eventually(installation.leader, "somebody leading")
        job_id = installation.request_scan()
        victim.kill()
        eventually(lambda heir=heir: installation.leads(heir), "the lease being taken over")
        eventually(lambda job_id=job_id: installation.scan_is_done(job_id), "the scan being finished by the other process", 120)
        victim.start()
        victim.wait_until_ready()

    for sender in senders:
        sender.stop()
    for member in installation.ingest:
        # A process that stops stores what it can in ten seconds, which a busy machine may exceed; the rest stays in its log.
        eventually(lambda member=member: not unstored_segments(member.data_dir / "wal"), "the log being stored")
        assert member.stop() == 0
    acknowledged = [id_ for sender in senders for id_ in sender.acknowledged]
    stored = installation.stored_ids()
    assert set(acknowledged) <= set(stored), "acknowledged events are missing"
    assert len(stored) == len(set(stored)), "events are stored twice"
    assert not list(installation.ingest[0].data_dir.parent.rglob("*.wal"))
