"""Logs with thresholds per minute: taking rows in, reading them through pipes and SQL, and the page that shows them."""
