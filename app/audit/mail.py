"""Sends the links of accounts by mail when the instance has a mail server; the answers hold them in any case (contract D.1)."""

from __future__ import annotations

from app.kernel import mail


def post_link(recipient: str, subject: str, text: str) -> None:
    """Hand the mail to the server beside the request; a failure is logged and nothing more."""
    mail.post(lambda: mail.Letter(recipient, subject, text))
