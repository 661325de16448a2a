"""Pictures of events: checked, stored, served and discussed (contract section 14)."""
