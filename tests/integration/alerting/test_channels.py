"""The six channels against strict stand-ins on real sockets that refuse what the real services refuse."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from app.alerting.contracts import DestinationFields
from app.alerting.delivery_contracts import Parcel, Target
from app.alerting.vocabulary import DestinationType
from app.kernel.outbound import AllowList, Outbound
from app.kernel.setting_groups import EmailSettings
from jobs import channels
from jobs.channels import email, jira, linear, slack, telegram
from tests.ports import free_port

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@dataclass
class Service:
    """Answers each request with the next scripted answer, else as `judge` says; keeps what it was sent."""

    url: str = ""
    script: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    judge: Any = None

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.seen.append((path, headers, body))
        return self.script.pop(0) if self.script else self.judge(path, headers, body)


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service(judge=lambda *_: (204, {}, b""))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, content = found.answer(self.path, headers, body)
            self.send_response(status)
            for name, value in {**more, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


CALLS = Outbound(AllowList("127.0.0.0/8"), timeout_seconds=5)


def parcel(kind: DestinationType, text: str = "paid is down", *, message_format: str = "plain", **fields: str) -> Parcel:
    snapshot: dict[str, object] = {
        "rendered_message": text,
        "message_format": message_format,
        "subject": "[Shop] 1 alert",
        "link": "https://plumbline.example/p/shop/inbox",
        "matched_count": 1,
    }
    return Parcel(str(uuid4()), Target(kind, "ops", DestinationFields(**fields), SECRET), snapshot, NOW)


def test_a_webhook_is_signed_so_that_the_reference_library_accepts_it_and_keeps_its_id(service):
    one = parcel(
        DestinationType.WEBHOOK, "ü ☃", target_url=f"{service.url}/hook", webhook_header_name="X-Team", webhook_header_value="a"
    )

    outcomes = [channels.send(one, CALLS) for _ in range(2)]

    assert [outcome.is_sent for outcome in outcomes] == [True, True]
    for _, headers, body in service.seen:
        found = Webhook(SECRET).verify(body, headers)
        assert found["type"] == "alert.fired" and found["message"] == "ü ☃" and found["matched_count"] == 1
        assert {"project", "destination", "rule", "scan", "items"} <= found.keys()
        assert headers["x-team"] == "a" and headers["webhook-id"] == one.delivery_id


@pytest.mark.parametrize(
    ("status", "headers", "kind", "is_temporary", "wait"),
    [
        (302, {"location": "http://169.254.169.254/"}, "status", False, None),
        (410, {}, "status", False, None),
        (429, {"retry-after": "17"}, "rate_limited", True, 17),
        (503, {"retry-after": "3"}, "status", True, 3),
    ],
)
def test_a_webhook_s_refusal_is_told_by_kind_and_no_redirect_is_followed(service, status, headers, kind, is_temporary, wait):
    service.script = [(status, headers, b"secret inside")]

    outcome = channels.send(parcel(DestinationType.WEBHOOK, target_url=f"{service.url}/hook"), CALLS)

    assert (outcome.is_sent, outcome.error_kind, outcome.is_temporary) == (False, kind, is_temporary)
    assert outcome.retry_after_seconds == wait and len(service.seen) == 1
    assert "secret" not in (outcome.error_message or "")


def test_an_address_that_is_not_public_is_never_called(service):
    outcome = channels.send(parcel(DestinationType.WEBHOOK, target_url=f"{service.url}/hook"), Outbound())

    assert (outcome.is_sent, outcome.error_kind) == (False, "refused_address") and not service.seen


def slack_judge(_path: str, _headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    sent = json.loads(body)
    if not sent.get("text"):
        return 400, {}, b"no_text"
    for block in sent.get("blocks", []):
        text = block.get("text", {}).get("text", "")
        if len(text) > {"header": 150, "section": 3000}.get(block["type"], 3000) or (block["type"] != "context" and not text):
            return 400, {}, b"invalid_blocks"
    return (400, {}, b"invalid_blocks") if len(sent["blocks"]) > 50 else (200, {}, b"ok")


def test_slack_gets_text_that_no_event_name_can_turn_into_markup(service):
    service.judge = slack_judge

    outcome = slack.send(parcel(DestinationType.SLACK, "<!channel> & " + "x" * 7000, webhook_url=service.url), CALLS)

    sent = json.loads(service.seen[0][2])
    assert outcome.is_sent and sent["text"].startswith("&lt;!channel&gt; &amp;")
    assert [block["text"]["type"] for block in sent["blocks"] if block["type"] == "section"] == ["plain_text"] * 3


def test_slack_s_words_for_a_fault_become_a_sentence(service):
    service.script = [(404, {}, b"no_service"), (429, {"retry-after": "30"}, b"")]
    one = parcel(DestinationType.SLACK, webhook_url=service.url)

    gone, busy = (channels.send(one, CALLS) for _ in range(2))

    assert gone.error_message == "This webhook was removed in Slack" and not gone.is_temporary
    assert (busy.error_kind, busy.retry_after_seconds) == ("rate_limited", 30)


def telegram_send(service, **more):
    one = parcel(DestinationType.TELEGRAM, bot_token="1:secret", chat_id="-5", **more)
    try:
        return telegram.send(one, CALLS, api=service.url)
    except channels.OutboundFailed as failure:
        return failure


def test_telegram_sends_follows_a_moved_group_and_finds_the_hidden_wait(service):
    service.judge = lambda *_: (200, {}, b'{"ok":true,"result":{}}')
    assert telegram_send(service, message_format="telegram_html").is_sent
    assert json.loads(service.seen[0][2])["parse_mode"] == "HTML" and service.seen[0][0] == "/bot1:secret/sendMessage"

    service.script = [(400, {}, b'{"ok":false,"description":"upgraded","parameters":{"migrate_to_chat_id":-1007}}')]
    moved = telegram_send(service)
    assert moved.is_sent and moved.notes == {"telegram_chat_id": "-1007"}
    assert json.loads(service.seen[-1][2])["chat_id"] == -1007

    service.script = [(429, {}, b'{"ok":false,"description":"Too Many Requests","parameters":{"retry_after":9}}')]
    busy = telegram_send(service)
    assert (busy.kind.value, busy.retry_after_seconds) == ("rate_limited", 9)
    service.script = [(403, {}, b'{"ok":false,"description":"Forbidden: bot was blocked by the user"}')]
    blocked = telegram_send(service)
    assert "blocked by the user" in blocked.message and "secret" not in blocked.message and not blocked.is_temporary


def test_telegram_gets_the_text_plain_when_it_cannot_read_the_markup(service):
    service.judge = lambda *_: (200, {}, b'{"ok":true,"result":{}}')
    service.script = [(400, {}, b'{"ok":false,"error_code":400,"description":"Bad Request: can\'t parse entities: at byte 3"}')]

    one = parcel(DestinationType.TELEGRAM, r"*x a\.b", message_format="telegram_markdownv2", bot_token="1:a", chat_id="5")
    outcome = telegram.send(one, CALLS, api=service.url)

    first, second = (json.loads(body) for _, _, body in service.seen)
    assert outcome.is_sent and outcome.notes["fallback_reason"] == "telegram_markdown_parse_error"
    assert first["parse_mode"] == "MarkdownV2" and "parse_mode" not in second and second["text"] == "*x a.b"


def jira_judge(path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    if headers.get("authorization") != "Basic " + base64.b64encode(b"a@b.c:tok").decode():
        return 401, {}, b""
    fields = json.loads(body)["fields"]
    document = fields["description"]
    is_document = document["type"] == "doc" and document["version"] == 1
    if path != "/rest/api/3/issue" or not is_document or "\n" in fields["summary"] or len(fields["summary"]) > 255:
        return 400, {}, b'{"errorMessages":[],"errors":{"description":"Operation value must be an Atlassian Document"}}'
    return 201, {}, b'{"id":"1","key":"OPS-7","self":"x"}'


def jira_parcel(service, **more):
    fields = {"jira_base_url": service.url, "jira_auth_email": "a@b.c", "jira_api_token": "tok", "jira_project_key": "OPS", **more}
    return parcel(DestinationType.JIRA, "one\n\ntwo", **fields)


def test_jira_makes_an_issue_and_its_faults_name_the_field(service):
    service.judge = jira_judge

    made = channels.send(jira_parcel(service), CALLS)
    assert made.is_sent and made.notes["ticket"] == {"key": "OPS-7", "url": f"{service.url}/browse/OPS-7"}
    wrong = channels.send(jira_parcel(service, jira_api_token="old"), CALLS)
    assert not wrong.is_sent and "token" in (wrong.error_message or "") and not wrong.is_temporary

    service.script = [(400, {}, b'{"errorMessages":[],"errors":{"issuetype":"Specify a valid issue type"}}')]
    assert "issuetype: Specify" in (channels.send(jira_parcel(service), CALLS).error_message or "")
    later = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
    service.script = [(429, {"x-ratelimit-reset": later}, b"{}")]
    busy = channels.send(jira_parcel(service), CALLS)
    assert busy.error_kind == "rate_limited" and 80 < busy.retry_after_seconds <= 90
    assert jira.document("", "")["content"] == [{"type": "paragraph", "content": []}]


def test_linear_makes_one_issue_per_delivery_and_errors_inside_a_200_are_errors(service):
    created = b'{"data":{"issueCreate":{"success":true,"issue":{"id":"x","identifier":"ENG-3","url":"https://linear.app/ENG-3"}}}}'
    service.judge = lambda *_: (200, {}, created)
    one = parcel(
        DestinationType.LINEAR, "``` # not a heading", linear_api_key="lin_key", linear_team_id="t", linear_label_ids="a, b"
    )

    outcome = linear.send(one, CALLS, api=service.url)

    _, headers, body = service.seen[0]
    sent = json.loads(body)["variables"]["input"]
    assert outcome.notes["ticket"]["key"] == "ENG-3" and headers["authorization"] == "lin_key"
    assert (sent["id"], sent["labelIds"]) == (one.delivery_id, ["a", "b"]) and sent["description"].startswith("````\n")
    service.script = [(200, {}, b'{"errors":[{"message":"Team not found"}]}')]
    with pytest.raises(channels.OutboundFailed, match="Team not found"):
        linear.send(one, CALLS, api=service.url)
    reset = str(int((datetime.now(UTC) + timedelta(seconds=60)).timestamp() * 1000))
    limited = b'{"errors":[{"message":"slow down","extensions":{"code":"RATELIMITED"}}]}'
    service.script = [(400, {"x-ratelimit-requests-reset": reset}, limited)]
    with pytest.raises(channels.OutboundFailed) as failure:
        linear.send(one, CALLS, api=service.url)
    assert failure.value.kind.value == "rate_limited" and 50 < failure.value.retry_after_seconds <= 60


def test_mail_arrives_once_per_message_id_and_refused_recipients_are_told(mailbox):
    box, settings = mailbox
    one = parcel(DestinationType.EMAIL, "Grüße", email_recipients="ana@example.org, gone@example.org")
    one.snapshot["subject"] = "[Shop]\r\nBcc: evil@example.org"

    outcome = email.send(one, CALLS, settings=settings)

    (mail,) = box.mails
    assert outcome.is_sent and outcome.notes == {"refused_recipients": ["gone@example.org"]}
    assert mail["Subject"] == "[Shop] Bcc: evil@example.org" and mail["Bcc"] is None
    assert mail["Message-ID"] == f"<{one.delivery_id}@example.org>"
    assert "Grüße" in mail.get_payload(decode=True).decode()
    nobody = parcel(DestinationType.EMAIL, email_recipients="gone@example.org")
    assert email.send(nobody, CALLS, settings=settings).error_kind == "status"


def test_mail_without_encryption_is_not_sent_when_encryption_is_asked_for(mailbox):
    _, settings = mailbox
    strict = settings.model_copy(update={"smtp_use_tls": True, "smtp_password": SecretStr("pw")})
    one = parcel(DestinationType.EMAIL, email_recipients="ana@example.org")

    assert email.send(one, CALLS, settings=strict).error_kind == "tls"
    absent = settings.model_copy(update={"smtp_port": free_port()})
    assert email.send(one, CALLS, settings=absent).error_kind == "connect"
    assert email.send(one, CALLS, settings=EmailSettings()).error_kind == "not_configured"
