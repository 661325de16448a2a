"""A mail that shows whether the mail server's settings hold."""

from __future__ import annotations

from app.identity.contracts import Actor
from app.kernel import mail
from app.kernel.settings import get_settings


def send_probe(actor: Actor) -> tuple[bool, str]:
    """Send the caller a mail, at their own address; whether the server took it, and what to tell. Owners only."""
    actor.require_owner()
    settings = get_settings()
    if not mail.is_configured(settings.email):
        return False, "Set smtp_host and smtp_from_address first: without a server and a sender no mail can be sent"
    text = (
        "The mail server of this Plumbline takes mail, and you get it. Nothing else is to be done.\n\n"
        f"Links in mails begin with {settings.base_url}\n"
    )
    fault = mail.send(mail.Letter(actor.email, "Test mail from Plumbline", text), settings.email)
    if fault is not None:
        return False, fault.message
    return True, f"The mail server took a mail to {actor.email}. Links in mails begin with {settings.base_url}"
