"""The pages of security; importing it registers them."""

from app.security.pages import actors, alert, alerts, events, overview, threat_models

__all__ = ["actors", "alert", "alerts", "events", "overview", "threat_models"]
