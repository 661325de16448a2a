"""Email over SMTP with the instance's mail server; encrypted unless the settings say otherwise."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import formatdate

from app.alerting.delivery_contracts import Parcel, SendOutcome
from app.kernel.mail import connected, fault_of
from app.kernel.outbound import Outbound
from app.kernel.setting_groups import EmailSettings
from app.kernel.settings import get_settings
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
        known = fault_of(fault)
        return SendOutcome(False, known.message, known.kind, is_temporary=known.is_temporary)
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
