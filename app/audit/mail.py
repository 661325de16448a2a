"""Sends the links of accounts by mail when the instance has a mail server; the answers hold them in any case (contract D.1)."""

from __future__ import annotations

import logging
import smtplib
import threading
from email.message import EmailMessage
from email.utils import formatdate

from app.kernel.mail import connected
from app.kernel.settings import EmailSettings, get_settings

log = logging.getLogger("plumbline.audit")


def post_link(recipient: str, subject: str, text: str) -> None:
    """Hand the mail to the server beside the request; a failure is logged and nothing more."""
    settings = get_settings().email
    if settings.smtp_host and settings.smtp_from_address:
        threading.Thread(target=_post, args=(settings, recipient, subject, text), daemon=True, name="audit-mail").start()


def _post(settings: EmailSettings, recipient: str, subject: str, text: str) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"], mail["Date"] = (
        subject,
        settings.smtp_from_address,
        recipient,
        formatdate(usegmt=True),
    )
    mail.set_content(text)
    try:
        with connected(settings) as server:
            server.send_message(mail)
    except (smtplib.SMTPException, OSError) as fault:
        log.warning("a link could not be mailed", extra={"reason": type(fault).__name__})
