from __future__ import annotations

import bcrypt
from hypothesis import given, settings
from hypothesis import strategies as st

from app.identity.passwords import UNUSABLE, hash_password, verify_password


def test_every_character_of_a_long_password_counts():
    stored = hash_password("a" * 255)
    assert verify_password("a" * 255, stored)
    assert not verify_password("a" * 254 + "b", stored)
    assert not verify_password("a" * 72, stored)


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=255))
def test_any_text_works_as_a_password(password):
    assert verify_password(password, hash_password(password))


def test_two_hashes_of_one_password_differ():
    assert hash_password("correct horse") != hash_password("correct horse")


def test_an_unknown_account_costs_one_comparison_like_a_wrong_password(monkeypatch):
    compared = []
    real = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda *args: compared.append(args[1]) or real(*args))
    stored = hash_password("correct horse")
    assert not verify_password("wrong horse!", stored)
    assert not verify_password("wrong horse!", None)
    assert not verify_password("wrong horse!", UNUSABLE)
    assert len(compared) == 3
    rounds = {bytes(each).split(b"$")[2] for each in compared}
    assert len(rounds) == 1, "the stand-in must cost as much as a real hash"
