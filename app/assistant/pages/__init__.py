"""Pages of the assistant; the panel that suggests descriptions stands on pages of the plan."""

from app.assistant.pages import ask

__all__ = ["ask"]
