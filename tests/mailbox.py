"""A real mail server on this machine that keeps what it is handed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MailHandler

from app.kernel import mail
from app.kernel.setting_groups import EmailSettings
from app.kernel.settings import Settings, get_settings
from tests.ports import free_port

MAIL_SECONDS = 20


class Mailbox(MailHandler):
    """Takes every mail but those to `gone@...`."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)

    def posted(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and text of every mail, once none is under way any more."""
        for thread in threading.enumerate():
            if thread.name == mail.THREAD:
                thread.join(MAIL_SECONDS)
                assert not thread.is_alive()
        return [(str(each["To"]), str(each["Subject"]), each.get_payload(decode=True).decode()) for each in self.mails]


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, EmailSettings]]:
    """The server, and the settings of an instance that uses it."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings = EmailSettings(
        smtp_host="127.0.0.1", smtp_port=controller.port, smtp_use_tls=False, smtp_from_address="plumb@example.org"
    )
    yield box, settings
    controller.stop()


@pytest.fixture
def mails(mailbox: tuple[Mailbox, EmailSettings], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    """The server, which this instance's settings name; people use the instance at http://plumb.example."""
    box, mail_settings = mailbox
    for name in ("smtp_host", "smtp_port", "smtp_use_tls", "smtp_from_address"):
        monkeypatch.setenv(f"PLUMBLINE_{name.upper()}", str(getattr(mail_settings, name)))
    monkeypatch.setenv("PLUMBLINE_PUBLIC_URL", "http://plumb.example/")
    get_settings.cache_clear()
    return box
