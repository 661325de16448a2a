"""What the assistant does for other areas."""

from __future__ import annotations

from app.assistant.search import reindex, search

__all__ = ["reindex", "search"]
