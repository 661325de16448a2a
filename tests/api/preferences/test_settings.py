"""Instance settings and the assistant over HTTP; the model is a strict stub of the chat API on a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.identity.contracts import ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.kernel.settings import get_settings
from tests.api.plan.contract import ABSENT, IS_REACHABLE, load_contract
from tests.api.plan.workbench import key_headers, make_world

SETTINGS = "/api/v1/settings"


class Stub:
    """Refuses what a real server refuses, and answers what it is told to."""

    def __init__(self) -> None:
        self.answer, self.status, self.asked = "ok", 200, []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                is_fine = (
                    self.path == "/v1/chat/completions"
                    and self.headers["authorization"] == "Bearer sk-test"
                    and {"model", "messages", "max_tokens"} <= body.keys()
                    and [message["role"] for message in body["messages"]] == ["system", "user"]
                )
                stub.asked.append(body["messages"][1]["content"])
                content = json.dumps({"choices": [{"message": {"role": "assistant", "content": stub.answer}}]}).encode()
                self.send_response(stub.status if is_fine else 400)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def stub() -> Iterator[Stub]:
    found = Stub()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def owner(member):
    return member(UserRole.OWNER).headers


def turn_on(client, owner, stub):
    body = {"ai_enabled": True, "ai_base_url": f" {stub.url}/ ", "ai_api_key": "sk-test", "ai_model": "small"}
    answer = client.put(f"{SETTINGS}/ai", json=body, headers=owner)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.skipif(not IS_REACHABLE, reason=ABSENT)
def test_every_settings_operation_answers_in_its_shape_and_only_to_owners(client, engine, member, owner):
    contract = load_contract()
    for operation in contract.of_tags("settings"):
        call = operation["method"], operation["path"]
        body = None if operation["method"] == "GET" else {}
        assert client.request(*call, json=body).status_code == 401
        for headers in (
            member(UserRole.EDITOR).headers,
            member(UserRole.VIEWER).headers,
            key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.WRITE),
        ):
            assert client.request(*call, json=body, headers=headers).status_code == 403
        answer = client.request(*call, json=body, headers=owner)
        assert answer.status_code == 200, answer.text
        assert contract.mismatches(operation["response"], answer.json()) == []


def test_an_override_wins_is_told_as_one_and_can_be_taken_back(client, owner):
    before = client.get(SETTINGS, headers=owner).json()
    assert (before["sources"]["security.session_ttl_hours"], before["overridden_fields"]) == ("env", [])

    changes = {
        "security": {"session_ttl_hours": 12, "hsts_enabled": None},
        "email": {"smtp_host": "mail.example", "smtp_password": "pw"},
    }
    after = client.patch(SETTINGS, json=changes, headers=owner).json()

    assert after["security"]["session_ttl_hours"] == 12 and get_settings().security.session_hours == 12
    assert after["email"]["smtp_password_configured"] is True and "pw" not in json.dumps(after)
    assert after["sources"]["security.session_ttl_hours"] == "override"
    assert after["overridden_fields"] == ["session_ttl_hours", "smtp_host", "smtp_password"]
    assert get_settings().email.smtp_password.get_secret_value() == "pw"
    cleared = client.delete(f"{SETTINGS}/overrides/session_ttl_hours", headers=owner)
    assert cleared.json()["security"]["session_ttl_hours"] == 168 and get_settings().security.session_hours == 168
    assert client.delete(f"{SETTINGS}/overrides/session_ttl_hours", headers=owner).status_code == 404


def test_whatever_a_client_reads_it_may_send_back(client, owner):
    before = client.get(SETTINGS, headers=owner).json()

    answer = client.put(SETTINGS, json=before, headers=owner)

    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in ("runtime", "security", "storage")} == {
        name: before[name] for name in ("runtime", "security", "storage")
    }


def test_sign_in_limits_can_be_lifted_and_told_as_such(client, owner):
    changes = {"rate_limit_login_per_minute": 0, "rate_limit_register_per_hour": 0, "rate_limit_trust_forwarded_for": True}

    after = client.patch(SETTINGS, json={"security": changes}, headers=owner).json()["security"]

    assert {name: after[name] for name in changes} == changes
    body = {"email": "nobody@example.com", "password": "wrong password"}
    assert {client.post("/api/v1/auth/login", json=body).status_code for _ in range(8)} == {401}
    changes = {"rate_limit_login_per_minute": 2, "rate_limit_enabled": False}
    client.patch(SETTINGS, json={"security": changes}, headers=owner)
    assert {client.post("/api/v1/auth/login", json=body).status_code for _ in range(4)} == {401}
    client.patch(SETTINGS, json={"security": {"rate_limit_enabled": True}}, headers=owner)
    assert [client.post("/api/v1/auth/login", json=body).status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize(
    "body",
    [
        {"storage": {"photo_storage_backend": "gcs"}},
        {"security": {"session_ttl_hours": 0}},
        {"email": {"smtp_port": 70000}},
        {"observability": {"log_level": "LOUD"}},
        {"ai": {"ai_base_url": "ftp://x"}},
        {"ai": {"ai_base_url": "https://"}},
        {"runtime": {"scan_row_limit_default": 0}},
    ],
)
def test_wrong_values_are_refused_and_nothing_is_kept(client, owner, body):
    good = {"runtime": {"app_base_url": "https://plumbline.example"}}

    assert client.put(SETTINGS, json={**good, **body}, headers=owner).status_code == 422
    assert client.get(SETTINGS, headers=owner).json()["overridden_fields"] == []


def test_the_assistant_is_off_until_it_has_a_key(client, engine, member, owner):
    with session_scope(engine) as session:
        world = make_world(session)
    base = f"/api/v1/projects/{world.slug}/ai"

    assert client.get(f"{base}/status", headers=owner).json() == {"enabled": False}
    assert client.post(f"{base}/ask", json={"question": "what is this"}, headers=owner).status_code == 503
    assert client.post(f"{base}/describe-event", json={"event_id": world.event_id}, headers=owner).status_code == 503
    assert client.post(f"{SETTINGS}/ai/test", json={}, headers=owner).json()["ok"] is False


def test_the_model_is_tried_and_its_faults_are_told(client, owner, stub):
    assert turn_on(client, owner, stub)["ai"]["ai_base_url"] == stub.url

    assert client.post(f"{SETTINGS}/ai/test", headers=owner).json() == {"ok": True, "message": "ok"}
    stub.status = 500
    found = client.post(f"{SETTINGS}/ai/test", json={"prompt": "hi"}, headers=owner).json()
    assert found["ok"] is False and "500" in found["message"]


def test_descriptions_come_back_as_suggestions_and_sensitive_values_stay_here(client, engine, member, owner, stub):
    with session_scope(engine) as session:
        world = make_world(session)
    turn_on(client, owner, stub)
    base = f"/api/v1/projects/{world.slug}"
    event = client.get(f"{base}/events/{world.event_id}", headers=owner).json()
    kind_id = event["event_type_id"]
    secret = {
        "name": "hint",
        "display_name": "Hint",
        "field_type": "enum",
        "enum_options": ["rover"],
        "sensitivity": "secret",
    }
    assert client.post(f"{base}/event-types/{kind_id}/fields", json=secret, headers=owner).status_code == 201
    suggestions = [{"field_name": "hint", "description": "d"}, {"field_name": "nope", "description": "x"}]
    stub.answer = f"```json\n{json.dumps({'description': 'A step.', 'field_suggestions': suggestions})}\n```"

    found = client.post(f"{base}/ai/describe-event-type", json={"event_type_id": kind_id}, headers=owner)

    assert found.json() == {"description": "A step.", "field_suggestions": [{"field_name": "hint", "description": "d"}]}
    assert "rover" not in stub.asked[-1] and "hint" in stub.asked[-1]
    stub.answer = "Just words."
    plain = client.post(f"{base}/ai/describe-event", json={"event_id": world.event_id}, headers=owner)
    assert plain.json() == {"description": "Just words.", "field_suggestions": []}
    stub.status = 503
    assert client.post(f"{base}/ai/describe-event", json={"event_id": world.event_id}, headers=owner).status_code == 502
    missing = {"event_id": "00000000-0000-4000-8000-000000000000"}
    assert client.post(f"{base}/ai/describe-event", json=missing, headers=owner).status_code == 404
    assert client.post(f"{base}/ai/describe-event", json=missing, headers=member(UserRole.VIEWER).headers).status_code == 403


def test_an_answer_keeps_only_what_it_can_cite_and_sources_outlive_a_failing_model(client, engine, owner, stub):
    with session_scope(engine) as session:
        world = make_world(session)
    turn_on(client, owner, stub)
    ask = f"/api/v1/projects/{world.slug}/ai/ask"
    stub.answer = "It is sent at checkout [1]. The moon is cheese. Somebody said so [99]."

    found = client.post(ask, json={"question": "step"}, headers=owner).json()

    assert found["answer"] == "It is sent at checkout [1]." and 0 < len(found["sources"]) <= 12
    assert set(found["sources"][0]) == {"title", "entity_type", "route_path"}
    stub.status = 500
    fallen = client.post(ask, json={"question": "step"}, headers=owner)
    assert fallen.status_code == 200 and fallen.json()["sources"] == found["sources"]
    assert "cannot answer" in fallen.json()["answer"]
    assert client.post(ask, json={"question": "a"}, headers=owner).status_code == 422


def test_settings_that_are_not_the_contracts_change_in_the_product_and_do_not_show_in_its_answers(engine, client, member):
    from app.identity.contracts import SYSTEM_ACTOR
    from app.kernel.clock import SYSTEM_CLOCK
    from app.preferences.pages.settings_view import save_setting

    with session_scope(engine) as session:
        save_setting(session, SYSTEM_ACTOR, "oidc_client_secret", "hunter-2-hunter-2", SYSTEM_CLOCK.now())
        save_setting(session, SYSTEM_ACTOR, "oidc_role", "editor", SYSTEM_CLOCK.now())
    owner = member(UserRole.OWNER).headers
    shown = client.get(SETTINGS, headers=owner)
    assert "oidc" not in shown.text and "hunter" not in shown.text
    assert client.delete(f"{SETTINGS}/overrides/oidc_client_secret", headers=owner).status_code == 200
    assert client.get(f"{SETTINGS}", headers=owner).json()["overridden_fields"] == []
