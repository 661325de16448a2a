"""The processes of a scaled-out installation on one machine, each with a data folder and a port of its own."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from tests.eventstore_fixtures import StoreProcess
from tests.ports import free_port

START_SECONDS = 90.0
PATIENCE_SECONDS = 60.0


def eventually(look, what, seconds=PATIENCE_SECONDS):
    """The first true value that a look yields within the time."""
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"{what} did not happen in {seconds:.0f} s"
        time.sleep(0.1)
    return value


@dataclass
class Member:
    """One process; it keeps folder and port over its lives, as one with a volume does."""

    module: str
    data_dir: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it without waiting."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLUMBLINE_")}
        own = {"PLUMBLINE_DATA_DIR": str(self.data_dir), "PLUMBLINE_PORT": str(self.port)}
        with (self.data_dir / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module], env={**inherited, **self.environment, **own}, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        eventually(self._is_ready, f"{self.module} getting ready", START_SECONDS)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.data_dir / "log").read_text()[-3000:]
        return self.get("/readyz")[0] == 200

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def restart_killed(self) -> None:
        self.kill()
        self.start()
        self.wait_until_ready()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=90)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body; 0 when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


class Sender(threading.Thread):
    """Sends batches to one process without pause and remembers the ids of those that were acknowledged."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._port, self._token = port, token
        self._stopping = threading.Event()
        self.acknowledged: list[str] = []
        self.refusals: set[int] = set()

    def run(self) -> None:
        while not self._stopping.wait(0.02):
            ids = [str(uuid.uuid4()) for _ in range(20)]
            events = [{"id": id_, "service": "scaled", "operation": "paid"} for id_ in ids]
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                connection.request("POST", "/v1/events", json.dumps({"events": events}), {"Authorization": f"Bearer {self._token}"})
                status = connection.getresponse().status
            except (OSError, http.client.HTTPException):
                continue
            finally:
                connection.close()
            if status == 200:
                self.acknowledged += ids
            else:
                self.refusals.add(status)

    def stop(self) -> None:
        self._stopping.set()
        self.join(20)


def store_url(store: StoreProcess) -> str:
    """What PLUMBLINE_EVENTSTORE_URL would be if the store process were a ClickHouse server."""
    address = store.address
    return f"http://{address.user}:{address.password}@{address.host}:{address.port}/{address.database}"
