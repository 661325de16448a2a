"""Log lines for operators: one line each, with the request id when there is one, and never a secret."""

from __future__ import annotations

import logging
import re
import sys

_SECRETS = re.compile(
    r"(?i)(authorization|api[-_]?key|x-api-key|token|password|secret|cookie)(\"?\s*[=:]\s*\"?)(bearer\s+)?[^\s\"',;&]+"
    r"|\b(?:tk_[rw]|pl_[a-z]{2,3})_[A-Za-z0-9_-]{8,}"
)


class SecretFilter(logging.Filter):
    """Blanks whatever looks like a credential, as a second line behind not logging it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always keeps the record; its text is cleaned."""
        message = record.getMessage()
        cleaned = _SECRETS.sub(lambda match: f"{match[1]}{match[2]}[hidden]" if match[1] else "[hidden]", message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()
        return True


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        request_id = getattr(record, "request_id", "")
        return f"{line} request_id={request_id}" if request_id else line


def configure_logging(level: str) -> None:
    """Send every log line of this process to standard error in one form. Safe to call again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(SecretFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "clickhouse_connect", "alembic", "engineio", "socketio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns each second that a long job is still running; jobs report their own failures.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
