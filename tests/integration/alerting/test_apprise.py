"""Services behind Apprise: only those whose calls go by the product's own way out, and never where it does not go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.alerting import apprise_rules
from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import Parcel, Target
from app.alerting.destination_rules import check_resolved, checked
from app.alerting.vocabulary import DestinationType
from app.kernel.errors import InvalidInput
from app.kernel.outbound import AllowList, Outbound
from jobs import channels

pytest.importorskip("apprise", reason="the extra [apprise] is not installed")

APPRISE = DestinationType.APPRISE


class Receiver(ThreadingHTTPServer):
    """Takes what is posted; answers with a status and, for redirects, an address."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, dict]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.received.append((self.path, body))
        self.send_response(self.server.status)
        self.send_header("location", f"http://ntfy.example:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def sent(url: str, calls: Outbound):
    snapshot = {"rendered_message": "order_paid fell", "subject": "[Shop] Drops", "link": "https://plumb.example/p/shop/inbox"}
    target = Target(APPRISE, "Ops", DestinationFields(apprise_url=url))
    return channels.send(Parcel("id", target, snapshot, datetime.now(UTC)), calls)


def to(receiver: Receiver) -> Outbound:
    return Outbound(AllowList("ntfy.example"), resolve=lambda *_: [("127.0.0.1", receiver.server_port)])


def test_a_message_arrives_with_its_title_and_link(receiver):
    assert sent("ntfy://ntfy.example/alerts", to(receiver)).is_sent

    ((_, body),) = receiver.received
    assert (body["topic"], body["title"]) == ("alerts", "[Shop] Drops")
    assert body["message"] == "order_paid fell\n\nhttps://plumb.example/p/shop/inbox"


@pytest.mark.parametrize(("status", "kind"), [(302, "status"), (403, "status"), (429, "rate_limited")])
def test_a_redirect_is_not_followed_and_a_refusal_is_told(receiver, status, kind):
    receiver.status = status
    outcome = sent("ntfy://ntfy.example/alerts", to(receiver))

    assert (outcome.is_sent, outcome.error_kind, len(receiver.received)) == (False, kind, 1)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::ffff:10.0.0.7"])
def test_a_host_that_leads_inside_is_not_called(receiver, address):
    calls = Outbound(AllowList(""), resolve=lambda *_: [(address, receiver.server_port)])

    assert sent("ntfys://inside.example/alerts", calls).error_kind == "refused_address"
    assert sent("ntfy://plain.example/alerts", calls).error_kind == "refused_address"
    assert receiver.received == []
    with pytest.raises(InvalidInput, match="public address"):
        check_resolved(APPRISE, DestinationFields(apprise_url="gotifys://inside.example/Atoken"), calls)


@pytest.mark.parametrize(
    "url",
    [
        "mailto://user:pass@example.com",
        "json://example.com/hook",
        "dbus://",
        "syslog://",
        "mqtt://example.com/topic",
        "https://discord.com/api/webhooks/1/abc",
        "ntfys://example.com/t?attach=file:///etc/passwd",
        "workflows://host/a/b/c?template=/etc/passwd",
        "ntfys://example.com/a b",
        "ntfy://example.com/t",
        "ntfys",
    ],
)
def test_what_cannot_be_guarded_is_refused(url):
    with pytest.raises(InvalidInput):
        checked(APPRISE, DestinationFields(apprise_url=url), Outbound())
    assert not sent(url, Outbound(resolve=lambda *_: [])).is_sent


def test_only_the_modules_of_allowed_services_call_differently(receiver):
    import requests

    before = requests.post
    sent("ntfy://ntfy.example/alerts", to(receiver))
    assert requests.post is before


def test_every_allowed_service_exists_and_calls_with_requests():
    import importlib

    for module in set(apprise_rules.SERVICES.values()):
        assert hasattr(importlib.import_module(f"apprise.plugins.{module}"), "requests"), module


def test_where_its_package_is_not_installed_it_says_so(monkeypatch):
    monkeypatch.setattr(apprise_rules.importlib.util, "find_spec", lambda _: None)
    apprise_rules.is_installed.cache_clear()
    try:
        with pytest.raises(InvalidInput, match="not installed"):
            checked(APPRISE, DestinationFields(apprise_url="ntfys://example.com/t"), Outbound())
        assert sent("ntfys://example.com/t", Outbound()).error_kind == "not_configured"
    finally:
        monkeypatch.undo()
        apprise_rules.is_installed.cache_clear()
