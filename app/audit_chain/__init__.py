"""The tamper-evident chain over audit records: sealing, signed checkpoints, exports and verification (docs/audit.md)."""
