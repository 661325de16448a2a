"""A whole Plumbline on a free port with a data folder of its own, as a person would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.frontend import ensure_built
from app.identity.contracts import SYSTEM_ACTOR, IngestKind
from app.kernel.clock import SYSTEM_CLOCK
from app.kernel.database import create_engine, session_scope
from app.projects import onboarding
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PLUMBLINE = str(Path(sys.executable).parent / "plumbline")
START_SECONDS = 120
STOP_SECONDS = 60


@dataclass(frozen=True)
class RunningServer:
    """Where it listens and keeps its data."""

    url: str
    data_dir: Path
    environment: dict[str, str]

    def cli(self, *arguments: str) -> str:
        """Run `plumbline ...` against this instance and return what it printed."""
        answer = subprocess.run(
            [PLUMBLINE, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def ingest_key(self, project: str, kind: str = IngestKind.EVENTS) -> str:
        """The token of a new key into the project, which is made when it is missing: what `plumbline key create` does, without
        the seconds that its process takes to start."""
        engine = create_engine(f"sqlite:///{self.data_dir / 'plumbline.db'}")
        with session_scope(engine) as session:
            _, token = onboarding.create_watched_ingest_key(
                session, SYSTEM_ACTOR, project_slug=project, kind=IngestKind(kind), name="Command line", now=SYSTEM_CLOCK.now()
            )
        engine.dispose()
        return token


@contextmanager
def running_server(data_dir: Path, **settings: str) -> Iterator[RunningServer]:
    """Start `plumbline serve`, wait until it is ready, stop it as Ctrl-C would."""
    ensure_built()  # the time to get ready is not for building
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLUMBLINE_")}
    environment |= {
        "PLUMBLINE_DATA_DIR": str(data_dir),
        "PLUMBLINE_PORT": str(port),
        "PLUMBLINE_REGISTRATIONS_PER_HOUR": "1000",
        "PLUMBLINE_LOGIN_ATTEMPTS_PER_MINUTE": "1000",
        **settings,
    }
    log_path = data_dir / "server.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [PLUMBLINE, "serve"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        server = RunningServer(f"http://127.0.0.1:{port}", data_dir, environment)
        try:
            _wait_until_ready(server, process, log_path)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError(f"the server did not stop within {STOP_SECONDS} s:\n{log_path.read_text()[-4000:]}") from None


def _wait_until_ready(server: RunningServer, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended:\n{log_path.read_text()[-4000:]}"
        try:
            if httpx.get(f"{server.url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server was not ready within {START_SECONDS} s:\n{log_path.read_text()[-4000:]}")
