"""A connection to the instance's mail server; encrypted unless the settings say otherwise."""

from __future__ import annotations

import smtplib
import ssl
from typing import Final

from app.kernel.settings import EmailSettings

TIMEOUT_SECONDS: Final = 15.0
_IMPLICIT_TLS_PORT: Final = 465


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
