"""Email over SMTP with the instance's mail server; encrypted unless the settings say otherwise."""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from app.alerting.contracts import Parcel, SendOutcome
from app.kernel.mail import connected
from app.kernel.outbound import Outbound
from app.kernel.settings import EmailSettings, get_settings
from jobs.channels.snapshot import Message, cut, message_of

_LONGEST_SUBJECT = 250


def send(parcel: Parcel, calls: Outbound, *, settings: EmailSettings | None = None) -> SendOutcome:  # noqa: ARG001 - mail knows no HTTP
    """One mail to all recipients; those the server refuses are told, the others have it."""
    settings = settings or get_settings().email
    sender = parcel.target.fields.email_from_address or settings.smtp_from_address
    if not settings.smtp_host or not sender:
        return SendOutcome(False, "No mail server, or no sender, is set in this instance's settings", "not_configured")
    recipients = [part.strip() for part in (parcel.target.fields.email_recipients or "").split(",") if part.strip()]
    mail = compose(message_of(parcel), sender, recipients, parcel.delivery_id)
    try:
        with connected(settings) as server:
            refused = server.send_message(mail, sender, recipients)
    except (smtplib.SMTPException, OSError) as fault:
        return _refusal(fault)
    if refused:
        return SendOutcome(True, notes={"refused_recipients": sorted(refused)})
    return SendOutcome(True)


def compose(message: Message, sender: str, recipients: list[str], delivery_id: str) -> EmailMessage:
    """The mail; its id stays the same over all attempts, so that a mailbox shows a repeated one once."""
    mail = EmailMessage()
    mail["Subject"] = cut(" ".join(message.subject.split()) or "Alert", _LONGEST_SUBJECT)
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = f"<{delivery_id}@{sender.rpartition('@')[2] or 'plumbline'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message.text}\n\n{message.link}\n" if message.link else f"{message.text}\n")
    return mail


def _refusal(fault: Exception) -> SendOutcome:
    if isinstance(fault, smtplib.SMTPException):
        return _server_refusal(fault)
    if isinstance(fault, ssl.SSLError):
        return SendOutcome(False, "No trusted encrypted connection to the mail server", "tls")
    if isinstance(fault, socket.gaierror):
        return SendOutcome(False, "The mail server's name cannot be resolved", "dns", is_temporary=True)
    if isinstance(fault, TimeoutError):
        return SendOutcome(False, "The mail server did not answer in time", "timeout", is_temporary=True)
    return SendOutcome(False, "The connection to the mail server was refused or broke off", "connect", is_temporary=True)


def _server_refusal(fault: smtplib.SMTPException) -> SendOutcome:
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        is_temporary = all(code < 500 for code, _ in fault.recipients.values())
        return SendOutcome(False, "The mail server refused every recipient", "status", is_temporary=is_temporary)
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return SendOutcome(False, "The mail server did not accept user name and password", "status")
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return SendOutcome(False, "The mail server offers no encryption (STARTTLS)", "tls")
    if isinstance(fault, smtplib.SMTPResponseException):
        is_temporary = 400 <= fault.smtp_code < 500
        return SendOutcome(False, f"The mail server answered with code {fault.smtp_code}", "status", is_temporary=is_temporary)
    return SendOutcome(False, "The connection to the mail server broke off", "connect", is_temporary=True)
