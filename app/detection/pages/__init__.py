"""Pages about detection. Importing this package registers them."""

from app.detection.pages import anomaly_settings, bakeoff, distribution, inbox, releases, signal

__all__ = ["anomaly_settings", "bakeoff", "distribution", "inbox", "releases", "signal"]
