"""Schemathesis on every described route of ingestion, logs, security events and audit log: valid, odd and broken requests are
generated from the description, and each answer must be one that the description holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import RunningServer, running_server

SCHEMATHESIS = str(Path(sys.executable).parent / "schemathesis")
# The stream never ends; the tracking plan's routes are walked from their contract elsewhere.
ELSEWHERE = "^/api/|^/v1/stream"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
)
PASSWORD = "Secret1!x"


def key(server: RunningServer, kind: str) -> str:
    """One that may do everything on its surface."""
    asked = ("--kind", kind, "--project", "shop", "--plan", "enterprise", "--scope", "admin")
    return server.cli("key", "create", *asked).splitlines()[-1]


def token(server: RunningServer) -> str:
    """Of an account of the audit log that was signed up, activated and signed in."""
    account = {"username": "adalovelace", "email": "ada@example.com", "password": PASSWORD, "repeatPassword": PASSWORD}
    with httpx.Client(base_url=server.url) as client:
        activation = re.search(r"key=([0-9a-f-]{36})", client.post("/auth/signup", data=account).text)
        assert activation is not None
        assert client.get("/auth/activate", params={"key": activation[1]}).is_success
        answer = client.post("/auth/login", data={"username": "adalovelace", "password": PASSWORD})
        return str(answer.json()["access_token"])


@pytest.mark.slow
def test_every_answer_to_generated_requests_is_one_that_the_description_holds(tmp_path):
    with running_server(tmp_path) as server:
        headers = {
            "^/v1/": {"X-API-Key": key(server, "events")},
            "^/v0/": {"Authorization": f"Bearer {key(server, 'logs')}"},
            "^/(collect|agent|events|alerts|webhooks)": {"X-API-Key": key(server, "security")},
            "^/(auth|users|audit)": {"Authorization": f"Bearer {token(server)}", "api-key": key(server, "audit")},
        }
        config = tmp_path / "schemathesis.toml"
        config.write_text(
            "".join(
                f"[[operations]]\ninclude-path-regex = '{paths}'\n"
                + "".join(f"headers.{name} = '{value}'\n" for name, value in sent.items())
                for paths, sent in headers.items()
            )
        )
        command = [
            SCHEMATHESIS,
            "--config-file",
            str(config),
            "run",
            f"{server.url}/openapi.json",
            "--exclude-path-regex",
            ELSEWHERE,
        ]
        command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "1"]
        command += ["--no-shrink", "--continue-on-failure", "--warnings", "off", "--request-timeout", "30"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    selected = re.search(r"Selected: (\d+)/", done.stdout)
    assert selected is not None and int(selected[1]) >= 55, done.stdout
