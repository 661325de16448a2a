"""What the assistant does for other areas."""

from __future__ import annotations

from app.assistant.assist import ask_plan, describe_event, describe_event_type, explain_alert, is_enabled, try_model
from app.assistant.embedding import embed_plans
from app.assistant.search import find, index_state, reindex, search

__all__ = [
    "ask_plan",
    "describe_event",
    "describe_event_type",
    "embed_plans",
    "explain_alert",
    "find",
    "index_state",
    "is_enabled",
    "reindex",
    "search",
    "try_model",
]
