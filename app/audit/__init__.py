"""The audit-log surface: accounts, records, trails and metrics (contract D)."""
