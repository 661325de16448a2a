"""Trying a destination over HTTP, stored or not, against a receiver on a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook

from app.alerting import service
from app.alerting.delivery_contracts import SendOutcome
from app.alerting.service.trials import ALLOWANCE
from app.identity.contracts import SYSTEM_ACTOR, ApiKeyScope, UserRole
from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.kernel.outbound import AllowList, Outbound
from app.kernel.settings import get_settings
from jobs import channels
from models.alerting import AlertDelivery, AlertDestination
from tests.api.plan.workbench import key_headers
from tests.ports import free_port


@dataclass
class Receiver:
    """Answers each message with the next scripted answer, then with 204."""

    url: str = ""
    script: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, headers = found.script.pop(0) if found.script else (204, {})
            if status == 0:
                found.released.wait(60)  # longer than any sender waits
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    found.released.set()
    server.shutdown()
    server.server_close()


def send_within(seconds: float) -> None:
    service.set_sender(lambda parcel: channels.send(parcel, Outbound(AllowList("127.0.0.0/8"), timeout_seconds=seconds)))


@pytest.fixture(autouse=True)
def _sender() -> Iterator[None]:
    send_within(20)
    yield
    service.set_sender(None)


@pytest.fixture
def reachable(monkeypatch) -> None:
    """Loopback addresses may be called."""
    monkeypatch.setenv("PLUMBLINE_OUTBOUND_ALLOW", "127.0.0.0/8")
    get_settings.cache_clear()


def draft(url: str, **more: str) -> dict[str, object]:
    return {"type": "webhook", "name": "Ops", "target_url": url, **more}


def test_a_draft_gets_a_signed_test_message_and_nothing_is_kept(call, world, receiver, reachable, engine):
    answer = call("POST", f"{world.base}/alert-destinations/test", json=draft(f"{receiver.url}/a"))

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["success"], told["kind"], told["message"]) == (True, None, "Webhook accepted the test message.")
    ((headers, body),) = receiver.received
    sent = json.loads(body)
    assert sent["type"] == "alert.test" and sent["message"].startswith("This is a test message from Plumbline.")
    assert headers["webhook-id"] == sent["delivery_id"] and headers["webhook-signature"].startswith("v1,")
    assert len(call("GET", f"{world.base}/alert-destinations").json()) == 1
    assert call("GET", f"{world.base}/alert-deliveries").json()["total"] == 1


def test_a_stored_destination_keeps_how_its_last_test_ended_and_is_not_changed_by_it(call, world, receiver, reachable, engine):
    made = call("POST", f"{world.base}/alert-destinations", json=draft(f"{receiver.url}/a")).json()
    path = f"{world.base}/alert-destinations/{made['id']}"
    receiver.script = [(410, {})]

    failed = call("POST", f"{path}/test").json()
    with session_scope(engine, write=False) as session:
        row = session.get_one(AlertDestination, made["id"])
        assert (row.last_test_status, row.last_test_message) == ("failed", "The receiver answered with status 410.")
    assert (failed["success"], failed["kind"]) == (False, "status")

    assert call("POST", f"{path}/test").json()["success"] is True
    with session_scope(engine, write=False) as session:
        view = service.get_destination(session, SYSTEM_ACTOR, world.slug, made["id"])
        secret = service.signing_secret(session, SYSTEM_ACTOR, world.slug, made["id"])
    assert view.last_test_status == "success" and view.last_test_at is not None
    assert call("GET", path).json() == made
    for headers, body in receiver.received:
        Webhook(secret).verify(body, headers)


def test_a_draft_of_a_stored_destination_takes_blank_secrets_from_it(call, world, receiver, reachable, engine):
    stored = draft(f"{receiver.url}/a", webhook_header_name="X-Key", webhook_header_value="s3cret")
    made = call("POST", f"{world.base}/alert-destinations", json=stored).json()
    changed = {"type": "slack", "destination_id": made["id"], "name": "", "target_url": "", "webhook_header_name": "X-Other"}

    answer = call("POST", f"{world.base}/alert-destinations/test", json=changed)

    assert answer.json()["success"] is True, answer.text
    assert receiver.received[0][0]["x-other"] == "s3cret"
    with session_scope(engine, write=False) as session:
        assert session.get_one(AlertDestination, made["id"]).last_test_status is None, "what is stored was not tested"
    unchanged = {"type": "webhook", "destination_id": made["id"], "webhook_header_name": "X-Key"}
    call("POST", f"{world.base}/alert-destinations/test", json=unchanged)
    with session_scope(engine, write=False) as session:
        assert session.get_one(AlertDestination, made["id"]).last_test_status == "success"


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ((500, {}), "status", "The receiver answered with status 500."),
        ((302, {"Location": "http://169.254.169.254/"}), "status", "The receiver redirects (status 302)"),
        ((429, {"Retry-After": "17"}), "rate_limited", "Too many messages: try again in 17 s."),
    ],
    ids=["status", "redirect", "rate limited"],
)
def test_a_refusal_is_told_by_kind_in_a_sentence(answer, kind, told, call, world, receiver, reachable):
    receiver.script = [answer]

    found = call("POST", f"{world.base}/alert-destinations/test", json=draft(receiver.url)).json()

    assert (found["success"], found["kind"]) == (False, kind) and told in found["message"]
    assert found["retry_after_seconds"] == (17 if kind == "rate_limited" else None)


def test_a_receiver_that_does_not_answer_is_told_by_kind(call, world, receiver, reachable):
    receiver.script = [(0, {})]
    send_within(0.4)

    found = call("POST", f"{world.base}/alert-destinations/test", json=draft(receiver.url)).json()

    assert (found["success"], found["kind"], found["retry_after_seconds"]) == (False, "timeout", None)
    assert "No answer within 0.4 seconds. The receiver must answer within 10 seconds" in found["message"]


def test_faults_before_an_answer_are_told_by_kind(call, world, receiver, reachable):
    path = f"{world.base}/alert-destinations/test"
    nowhere = call("POST", path, json=draft("https://nowhere.invalid/a")).json()
    closed = call("POST", path, json=draft(f"http://127.0.0.1:{free_port()}/a")).json()
    plain = call("POST", path, json=draft(receiver.url.replace("http:", "https:"))).json()

    assert (nowhere["kind"], nowhere["message"]) == ("dns", "The name nowhere.invalid cannot be resolved. Check the host name.")
    assert closed["kind"] == "connect" and "firewall" in closed["message"]
    assert plain["kind"] == "tls" and plain["message"].startswith("No trusted TLS connection")


def test_an_address_that_is_not_public_is_refused_at_its_field_and_never_called(call, world, receiver):
    for url in (receiver.url, receiver.url.replace("http:", "https:"), "https://169.254.169.254/latest", "https://localhost/a"):
        answer = call("POST", f"{world.base}/alert-destinations/test", json=draft(url))
        assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "target_url"], answer.text
    assert not receiver.received


def test_a_name_that_leads_to_a_private_address_is_refused_in_a_sentence(call, world):
    rebound = Outbound(resolve=lambda *_: [("10.0.0.7", 443)])
    service.set_sender(lambda parcel: channels.send(parcel, rebound))

    found = call("POST", f"{world.base}/alert-destinations/test", json=draft("https://hooks.example/a")).json()

    assert (found["success"], found["kind"]) == (False, "refused_address")
    assert "hooks.example leads to an address that is not public. Only public addresses are called" in found["message"]


def test_missing_fields_are_named(call, world):
    answer = call("POST", f"{world.base}/alert-destinations/test", json={"type": "jira", "name": "Board"})

    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"] == ["body", "jira_base_url"]


@pytest.mark.parametrize("path", ["/alert-destinations/test", "/alert-destinations/{id}/test"])
def test_only_editors_and_owners_may_test(path, client, member, world, engine):
    path = world.base + path.format(id=world.destination_id)
    viewer = client.post(path, headers=member(UserRole.VIEWER).headers, json={})
    read_key = client.post(path, headers=key_headers(engine, role=UserRole.OWNER, scope=ApiKeyScope.READ), json={})

    assert (client.post(path, json={}).status_code, viewer.status_code, read_key.status_code) == (401, 403, 403)


def test_an_unknown_destination_is_not_found(call, world):
    base = f"{world.base}/alert-destinations"

    assert call("POST", f"{base}/{new_id()}/test").status_code == 404
    assert call("POST", f"{base}/test", json={"type": "slack", "destination_id": new_id()}).status_code == 404


def test_a_ticket_is_named_and_refused_recipients_are_told(call, world):
    service.set_sender(lambda _parcel: SendOutcome(True, notes={"ticket": {"key": "OPS-7"}}))
    fields = {"jira_base_url": "https://a.example", "jira_auth_email": "a@b.co", "jira_api_token": "t", "jira_project_key": "ops"}
    made = call("POST", f"{world.base}/alert-destinations/test", json={"type": "jira", "name": "B", **fields}).json()
    service.set_sender(lambda _parcel: SendOutcome(True, notes={"refused_recipients": ["gone@example.org"]}))
    mailed = {"type": "email", "name": "M", "email_recipients": "ana@example.org, gone@example.org"}

    assert "It is OPS-7" in made["message"]
    assert "gone@example.org" in call("POST", f"{world.base}/alert-destinations/test", json=mailed).json()["message"]


def test_nobody_sends_test_messages_in_bulk(call, world):
    service.set_sender(lambda _parcel: SendOutcome(True))
    path = f"{world.base}/alert-destinations/{world.destination_id}/test"

    count, answer = 0, call("POST", path)
    while answer.status_code == 200 and count < 10 * ALLOWANCE.count:
        count, answer = count + 1, call("POST", path)

    assert answer.status_code == 429 and count >= ALLOWANCE.count
    assert 1 <= int(answer.headers["retry-after"]) <= 3


def test_a_process_that_sends_nothing_says_so(call, world):
    service.set_sender(None)

    answer = call("POST", f"{world.base}/alert-destinations/{world.destination_id}/test")

    assert answer.status_code == 503 and answer.headers["retry-after"] == "60"


def test_a_sent_delivery_can_be_sent_once_more_but_no_ticket_is_made_twice(call, world, engine):
    path = f"{world.base}/alert-deliveries/{world.delivery_id}"
    assert call("POST", f"{path}/redeliver").status_code == 409, "it failed; that is what retry is for"
    with session_scope(engine) as session:
        row = session.get_one(AlertDelivery, world.delivery_id)
        row.status = "sent"
    assert call("POST", f"{path}/redeliver").json()["status"] == "pending"
    with session_scope(engine) as session:
        row = session.get_one(AlertDelivery, world.delivery_id)
        row.status, row.channel = "sent", "jira"
    assert "ticket" in call("POST", f"{path}/redeliver").json()["detail"]
