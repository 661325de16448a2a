"""`plumbline serve` as a person meets it: real processes, a real store, a stand-in for the web process."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from app.eventstore.service import connect
from app.kernel.settings import load_settings
from app.runtime_file import RUNTIME_FILE, read_runtime_record
from tests.eventstore_fixtures import StoredProject, StoreProcess
from tests.integration.eventstore.rows import event, lines, token
from tests.ports import free_port

pytestmark = pytest.mark.slow

RUNNER = """
import sys
from app.kernel.logs import configure_logging
from app.kernel.settings import get_settings
from app.supervisor import serve
configure_logging("info")
sys.exit(serve(get_settings(), web_command=[sys.executable, "-m", "tests.integration.supervisor.fake_web", *sys.argv[1:]]))
"""
DEADLINE_SECONDS = 90.0

Value = TypeVar("Value")


def eventually(look: Callable[[], Value | None]) -> Value:
    """The first true value that a look yields within the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (value := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return value


class Instance:
    """One run of the supervisor."""

    def __init__(self, data_dir: Path, port: int, *arguments: str, **variables: str) -> None:
        self.data_dir = data_dir
        self.port = port
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PLUMBLINE_")}
        self.variables = {"PLUMBLINE_DATA_DIR": str(data_dir), "PLUMBLINE_PORT": str(port), **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, *arguments],
            env={**inherited, **self.variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def children(self) -> set[int]:
        pid = self.process.pid
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def web_pid(self) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/readyz")
            return int(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"Plumbline is ready: http://127.0.0.1:{self.port}\n"

    def store_pid(self) -> int:
        (pid,) = self.children - {eventually(self.web_pid)}
        return pid

    def end(self, signum: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the signal; exit code and standard error."""
        self.process.send_signal(signum)
        return self.result()

    def result(self) -> tuple[int, str]:
        _out, err = self.process.communicate(timeout=DEADLINE_SECONDS)
        return self.process.returncode, err


Start = Callable[..., Instance]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    instances: list[Instance] = []
    port = free_port()

    def begin(*arguments: str, **variables: str) -> Instance:
        instance = Instance(tmp_path / "data", int(variables.pop("port", port)), *arguments, **variables)
        instances.append(instance)
        return instance

    yield begin
    for instance in instances:
        if instance.process.poll() is None:
            instance.process.kill()
            instance.process.communicate()


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def is_gone(pids: set[int]) -> bool:
    return not any(is_alive(pid) for pid in pids)


def test_it_says_when_it_is_ready_and_ends_cleanly(start):
    instance = start()
    instance.wait_until_ready()
    children = instance.children

    code, _err = instance.end()

    assert (code, len(children)) == (0, 2)
    assert is_gone(children)
    assert not (instance.data_dir / RUNTIME_FILE).exists()


def test_ctrl_c_ends_it_as_cleanly(start):
    instance = start()
    instance.wait_until_ready()

    assert instance.end(signal.SIGINT)[0] == 0


def test_the_store_still_answers_while_the_web_process_ends(start):
    instance = start()
    instance.wait_until_ready()

    instance.end()

    assert (instance.data_dir / "store-at-end.txt").read_text() == "answers"


def test_a_command_finds_the_store_of_the_running_instance(start, monkeypatch):
    monkeypatch.delenv("PLUMBLINE_STORE_PORT", raising=False)
    monkeypatch.delenv("PLUMBLINE_STORE_SECRET", raising=False)
    instance = start()
    instance.wait_until_ready()

    record = read_runtime_record(instance.data_dir)

    assert record is not None
    assert (record.pid, record.url) == (instance.process.pid, f"http://127.0.0.1:{instance.port}")
    assert (instance.data_dir / RUNTIME_FILE).stat().st_mode & 0o777 == 0o600
    assert connect(load_settings(instance.variables)).ping()


def test_a_dead_web_process_is_started_again(start):
    instance = start()
    instance.wait_until_ready()
    first = eventually(instance.web_pid)

    os.kill(first, signal.SIGKILL)

    assert eventually(instance.web_pid) != first
    assert instance.end()[0] == 0


def test_a_dead_store_comes_back_for_the_same_client_with_its_data(start):
    instance = start()
    instance.wait_until_ready()
    store = connect(load_settings(instance.variables))
    project = StoredProject()
    store.insert_lines("events", lines(event(project)), rows=1, token=token())
    dead = instance.store_pid()

    os.kill(dead, signal.SIGKILL)

    eventually(lambda: is_gone({dead}) and store.ping())
    assert len(store.recent(project.tenant_id, project.project_id, after=None, limit=9)) == 1
    assert instance.end()[0] == 0


def test_a_second_instance_on_the_same_folder_names_the_first(start):
    first = start()
    first.wait_until_ready()

    code, err = start(port=str(free_port())).result()

    assert code == 1
    assert err == f"plumbline: the data folder {first.data_dir} is in use by process {first.process.pid}\n"


def test_a_port_in_use_is_one_line(start, store_process: StoreProcess):
    code, err = start(port=str(store_process.port)).result()

    assert (code, err) == (1, f"plumbline: port {store_process.port} on 127.0.0.1 is in use; choose another with --port\n")


def test_a_folder_that_cannot_be_written_is_one_line(start, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")

    code, err = start().result()

    assert (code, err) == (1, f"plumbline: cannot use the data folder {tmp_path / 'data'}: File exists\n")


def test_a_web_process_that_never_comes_up_ends_the_instance_after_five_starts(start):
    code, err = start("--dies").result()

    assert code == 1
    assert "plumbline: the web process ended 5 times before it answered (exit code 7); its own lines are above" in err
    assert err.count("the web process ended (exit code 7)") == 4


def test_a_second_signal_kills_what_does_not_end(start):
    instance = start("--stubborn")
    instance.wait_until_ready()
    children = instance.children

    instance.process.send_signal(signal.SIGINT)
    code, _err = instance.end(signal.SIGTERM)

    assert code == 1
    assert is_gone(children)


def test_no_child_outlives_a_killed_supervisor_and_the_next_start_works(start):
    instance = start()
    instance.wait_until_ready()
    children = instance.children

    instance.process.kill()

    eventually(lambda: is_gone(children))
    again = start()
    again.wait_until_ready()
    assert again.end()[0] == 0


def test_children_that_were_just_started_do_not_outlive_a_killed_supervisor(start):
    instance = start()
    children = eventually(lambda: instance.children)

    instance.process.kill()

    eventually(lambda: is_gone(children))


def test_a_clickhouse_server_replaces_the_store_process(start, store_process: StoreProcess):
    url = f"http://user:{store_process.secret}@127.0.0.1:{store_process.port}/of_server"
    instance = start(PLUMBLINE_EVENTSTORE_URL=url)
    instance.wait_until_ready()
    store = connect(load_settings(instance.variables))
    project = StoredProject()

    store.insert_lines("events", lines(event(project)), rows=1, token=token())

    assert instance.children == {eventually(instance.web_pid)}
    record = read_runtime_record(instance.data_dir)
    assert record is not None and record.store_port is None and not record.store_secret
    assert instance.end()[0] == 0


def test_a_clickhouse_server_that_is_away_does_not_keep_the_web_process_down(start):
    instance = start(PLUMBLINE_EVENTSTORE_URL=f"http://user:secret@127.0.0.1:{free_port()}/later")

    instance.wait_until_ready()

    code, err = instance.end()
    assert code == 0
    assert "the tables of the event store could not be checked" in err
