"""The pages of security; importing it registers them."""

from app.security.pages import alert, alerts, events, overview, threat_models

__all__ = ["alert", "alerts", "events", "overview", "threat_models"]
