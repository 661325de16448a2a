"""What people copy must work as it stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import msgspec
import pytest

from app.developer.snippets import snippets
from app.ingest import decode
from app.ingest.dialects import otlp, segment

URL = "https://plumbline.example"
SNIPPETS = {entry.key: entry for entry in snippets(URL)}


def test_every_way_names_this_instance_and_holds_no_key():
    for entry in SNIPPETS.values():
        assert URL in entry.code and "PLUMBLINE_KEY" in entry.code
        assert not re.search(r"pl_ev_\w", entry.code)


def test_the_body_of_the_command_is_an_event():
    body = json.loads(re.search(r"-d '(.+)'", SNIPPETS["curl"].code).group(1))
    assert (body["service"], body["operation"]) == ("shop", "order_placed")
    assert set(body) <= {field.name for field in msgspec.structs.fields(decode.Event)}


@pytest.mark.parametrize("key", ["python", "posthog"])
def test_python_code_compiles(key):
    compile(SNIPPETS[key].code, key, "exec")


@pytest.mark.parametrize("key", ["curl", "otlp"])
def test_shell_code_parses(key):
    subprocess.run(["bash", "-n"], input=SNIPPETS[key].code, text=True, check=True)


@pytest.mark.parametrize("key", ["javascript", "segment"])
@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_javascript_parses(key, tmp_path):
    file = tmp_path / "snippet.mjs"
    file.write_text(SNIPPETS[key].code)
    subprocess.run(["node", "--check", str(file)], check=True, capture_output=True)


def test_the_paths_are_ones_this_server_has():
    assert "/v1/batch" in segment.PATHS and "/v1/traces" in otlp.PATHS


def test_what_the_python_code_sends_reaches_the_address_with_the_key(monkeypatch):
    sent = []

    class Answer:
        def close(self) -> None:
            pass

    def open_(request, timeout):
        sent.append((request.full_url, request.get_header("Authorization"), json.loads(request.data)))
        return Answer()

    monkeypatch.setenv("PLUMBLINE_KEY", "a-key")
    monkeypatch.setattr("urllib.request.urlopen", open_)
    exec(SNIPPETS["python"].code, {})
    event = {"service": "shop", "operation": "order_placed", "custom_attributes": {"total": 42.5}}
    assert sent == [(f"{URL}/v1/events", "Bearer a-key", event)]
