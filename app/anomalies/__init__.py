"""Anomalies of the event API: found by compression, listed, followed and judged by people (contract A.3, A.6)."""
