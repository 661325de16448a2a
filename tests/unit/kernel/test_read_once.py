"""What a reading transaction looks up once, and what it asks for again."""

from __future__ import annotations

import sqlalchemy as sa

from app.kernel.database import create_engine, read_once, session_scope


class Counter:
    """A query that counts how often it is asked."""

    def __init__(self, *answers: str | None) -> None:
        self._answers = iter(answers)
        self.asked = 0

    def __call__(self) -> str | None:
        self.asked += 1
        return next(self._answers)


def engine() -> sa.Engine:
    return create_engine("sqlite://")


def test_a_reading_transaction_asks_once_and_the_next_one_anew() -> None:
    ask, database = Counter("first", "second"), engine()
    with session_scope(database, write=False) as session:
        assert [read_once(session, "name", ask) for _ in range(3)] == ["first"] * 3
    with session_scope(database, write=False) as session:
        assert read_once(session, "name", ask) == "second"
    assert ask.asked == 2


def test_a_writing_transaction_asks_every_time() -> None:
    ask = Counter("before", "after")
    with session_scope(engine()) as session:
        assert [read_once(session, "name", ask), read_once(session, "name", ask)] == ["before", "after"]


def test_what_was_not_found_is_asked_for_again_and_keys_are_apart() -> None:
    ask = Counter(None, "found", "other")
    with session_scope(engine(), write=False) as session:
        assert read_once(session, "name", ask) is None
        assert read_once(session, "name", ask) == "found"
        assert read_once(session, ("name", 1), ask) == "other"
