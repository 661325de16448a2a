"""Pages about the instance itself: its settings and its health."""

from app.preferences.pages import health, settings

__all__ = ["health", "settings"]
