"""Anomaly detection by compression: does a window of lines hold what its baseline does not (contract A.6). Pure."""
