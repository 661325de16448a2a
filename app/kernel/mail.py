"""Mail over the instance's mail server; encrypted unless the settings say otherwise."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

from app.kernel.setting_groups import EmailSettings
from app.kernel.settings import get_settings

TIMEOUT_SECONDS: Final = 15.0
THREAD: Final = "mail"
_IMPLICIT_TLS_PORT: Final = 465

log = logging.getLogger("plumbline.mail")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one person, in plain text."""

    recipient: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class MailFault:
    """Why the mail server did not take a mail; a later try may succeed where it `is_temporary`."""

    message: str
    kind: str
    is_temporary: bool = False


def is_configured(settings: EmailSettings) -> bool:
    """Whether the instance has a mail server and a sender."""
    return bool(settings.smtp_host and settings.smtp_from_address)


def post(compose: Callable[[], Letter | None]) -> None:
    """Compose and send a letter beside the request, which waits for neither; a failure is logged and nothing more.

    Without a mail server nothing is composed.
    """
    settings = get_settings().email
    if is_configured(settings):
        threading.Thread(target=_post, args=(compose, settings), daemon=True, name=THREAD).start()


def send(letter: Letter, settings: EmailSettings) -> MailFault | None:
    """Hand the letter to the mail server; None when it took it."""
    mail = EmailMessage()
    sender = settings.smtp_from_address
    mail["Subject"], mail["From"], mail["To"] = letter.subject, sender, letter.recipient
    mail["Date"], mail["Message-ID"] = formatdate(usegmt=True), make_msgid(domain=sender.rpartition("@")[2] or "plumbline")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    try:
        with connected(settings) as server:
            server.send_message(mail, sender, [letter.recipient])
    except (smtplib.SMTPException, OSError) as fault:
        return fault_of(fault)
    return None


def connected(settings: EmailSettings) -> smtplib.SMTP:
    """An open connection, signed in when the settings name an account. Raises SMTPException and OSError."""
    context = ssl.create_default_context()
    host, port = settings.smtp_host, settings.smtp_port
    if settings.smtp_use_tls and port == _IMPLICIT_TLS_PORT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        if settings.smtp_use_tls and port != _IMPLICIT_TLS_PORT:
            server.starttls(context=context)
        if settings.smtp_username:
            server.login(settings.smtp_username, settings.smtp_password.get_secret_value())
    except BaseException:
        server.close()
        raise
    return server


def fault_of(fault: Exception) -> MailFault:
    """What went wrong between us and the mail server, in words that hold neither password nor address."""
    if isinstance(fault, smtplib.SMTPException):
        return _server_fault(fault)
    if isinstance(fault, ssl.SSLError):
        return MailFault("No trusted encrypted connection to the mail server", "tls")
    if isinstance(fault, socket.gaierror):
        return MailFault("The mail server's name cannot be resolved", "dns", is_temporary=True)
    if isinstance(fault, TimeoutError):
        return MailFault("The mail server did not answer in time", "timeout", is_temporary=True)
    return MailFault("The connection to the mail server was refused or broke off", "connect", is_temporary=True)


def _server_fault(fault: smtplib.SMTPException) -> MailFault:
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        is_temporary = all(code < 500 for code, _ in fault.recipients.values())
        return MailFault("The mail server refused every recipient", "status", is_temporary)
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return MailFault("The mail server did not accept user name and password", "status")
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return MailFault("The mail server offers no encryption (STARTTLS)", "tls")
    if isinstance(fault, smtplib.SMTPResponseException):
        return MailFault(f"The mail server answered with code {fault.smtp_code}", "status", 400 <= fault.smtp_code < 500)
    return MailFault("The connection to the mail server broke off", "connect", is_temporary=True)


def _post(compose: Callable[[], Letter | None], settings: EmailSettings) -> None:
    try:
        letter = compose()
        fault = send(letter, settings) if letter is not None else None
    except Exception:  # the thread's last line of defence: nobody waits for it
        log.exception("a mail could not be composed")
        return
    if fault is not None:
        log.warning("a mail could not be sent: %s", fault.message, extra={"reason": fault.kind})
