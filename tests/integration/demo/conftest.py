from tests.eventstore_fixtures import event_store, session_event_store, store_process

__all__ = ["event_store", "session_event_store", "store_process"]
