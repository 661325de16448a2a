"""What the assistant does for other areas."""

from __future__ import annotations

from app.assistant.assist import ask_plan, describe_event, describe_event_type, is_enabled, try_model
from app.assistant.search import reindex, search

__all__ = ["ask_plan", "describe_event", "describe_event_type", "is_enabled", "reindex", "search", "try_model"]
