"""The page of logs; importing it registers it."""

from app.logs.pages import logs

__all__ = ["logs"]
