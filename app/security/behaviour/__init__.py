"""What events say about behaviour: the built-in rules and a project's own threat models. Pure."""

from __future__ import annotations

from app.security.behaviour.judge import findings
from app.security.behaviour.rules import BehaviourRules

__all__ = ["BehaviourRules", "findings"]
