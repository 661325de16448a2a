"""Every query of alerting. Callers name the project; nothing here decides."""
