"""Pages on alerting; importing this registers them."""

from app.alerting.pages import deliveries, delivery, destination, destinations, drill, monitors, rule, rules

__all__ = ["deliveries", "delivery", "destination", "destinations", "drill", "monitors", "rule", "rules"]
