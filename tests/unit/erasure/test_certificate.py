"""A certificate holds as it was signed, and in no other way."""

from __future__ import annotations

import json

import pytest

from app.audit_chain.signing import make_key
from app.erasure.certificate import NotACertificate, signed, verify

KEY = make_key()
BODY = {
    "erasure_id": "e1",
    "project": "shop",
    "project_id": "p1",
    "user_hash": "ab" * 32,
    "hash": "HMAC-SHA-256",
    "requested_at": "2026-11-25T09:30:00+00:00",
    "completed_at": "2026-11-25T09:31:00+00:00",
    "before": {"event": 3},
    "after": {"event": 0},
    "kept": [],
}


def changed(**values: object) -> bytes:
    return json.dumps({**json.loads(signed(BODY, KEY)), **values}).encode()


def test_it_holds_by_its_own_key_and_by_one_that_is_trusted():
    text = signed(BODY, KEY).encode()
    assert (verify(text).fault, verify(text).is_key_trusted) == ("", False)
    assert (verify(text, [KEY.public_text]).fault, verify(text, [KEY.public_text]).is_key_trusted) == ("", True)
    assert "trust" in verify(text, [make_key().public_text]).fault


@pytest.mark.parametrize(
    "values", [{"before": {"event": 4}}, {"user_hash": "cd" * 32}, {"kept": [1]}, {"signature": "AAAA"}, {"key_id": "0"}]
)
def test_a_changed_one_does_not(values):
    assert verify(changed(**values)).fault


def test_another_key_cannot_take_its_place():
    assert verify(changed(public_key=make_key().public_text)).fault


def test_one_that_left_something_proves_nothing():
    assert "left" in verify(signed({**BODY, "after": {"event": 1}}, KEY).encode()).fault


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", changed(format="x"), json.dumps({"format": "plumbline-erasure-1"}).encode()])
def test_what_is_no_certificate_is_told_apart(text):
    with pytest.raises(NotACertificate):
        verify(text)
