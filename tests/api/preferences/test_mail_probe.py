"""The test mail of the settings page: an owner's own address, and what went wrong in a sentence."""

from __future__ import annotations

from app.identity.contracts import UserRole
from app.kernel.settings import get_settings
from tests.ports import free_port

PROBE = "/api/v1/settings/email/test"


def test_an_owner_gets_a_mail_and_nobody_else_sends_one(client, member, mails):
    owner, editor = member(UserRole.OWNER, email="olive@example.com"), member(UserRole.EDITOR)
    assert client.post(PROBE, headers=editor.headers).status_code == 403
    answer = client.post(PROBE, headers=owner.headers)
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    [(recipient, subject, text)] = mails.posted()
    assert (recipient, subject) == ("olive@example.com", "Test mail from Plumbline")
    assert "http://plumb.example" in text


def test_what_is_missing_or_down_is_told_and_no_error(client, member, mails, monkeypatch):
    headers = member(UserRole.OWNER, email="gone@example.com").headers
    refused = client.post(PROBE, headers=headers)
    assert (refused.status_code, refused.json()) == (200, {"ok": False, "message": "The mail server refused every recipient"})
    monkeypatch.setenv("PLUMBLINE_SMTP_PORT", str(free_port()))
    get_settings.cache_clear()
    assert "refused or broke off" in client.post(PROBE, headers=headers).json()["message"]
    monkeypatch.delenv("PLUMBLINE_SMTP_HOST")
    get_settings.cache_clear()
    assert "smtp_host" in client.post(PROBE, headers=headers).json()["message"]
