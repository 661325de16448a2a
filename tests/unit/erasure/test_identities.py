"""Which text counts as somebody's."""

from __future__ import annotations

import json
import re

import pytest

from app.erasure.identities import ERASED, is_identity, pattern_of, redacted


def names(user_id: str, text: str) -> bool:
    return re.search(pattern_of([user_id]), text) is not None


@pytest.mark.parametrize(
    "text",
    [
        '{"user_id":"u1"}',
        '{"a":[{"b":{"distinct_id" : "u1"}}]}',
        '{"actor":{"email":"x@y","id":"u1"}}',
        '{"message":"{\\"userId\\":\\"u1\\"}"}',
        '{"anonymousId":"u1","cut of',
    ],
)
def test_a_record_that_says_whose_it_is(text):
    assert names("u1", text)


@pytest.mark.parametrize(
    "text",
    ['{"user_id":"u12"}', '{"user_id":"xu1"}', '{"label":"u1"}', "signed in: u1", '{"order":{"id":"u1"}}', '{"not_user_id":"u1"}'],
)
def test_a_record_that_only_mentions_the_id(text):
    assert not names("u1", text)


@pytest.mark.parametrize(("text", "is_named"), [("4,", True), ("4}", True), ("4", True), ("42}", False), ("4.5}", False)])
def test_a_number_counts_with_all_its_digits(text, is_named):
    assert names("4", f'{{"user_id":{text}') is is_named


@pytest.mark.parametrize("user_id", ["a.c", "(", "x|y", "a\\b", 'say "hi"', "line\nbreak", "Ünal 😀", "{id}", "$1"])
def test_every_character_means_itself(user_id):
    for is_ascii in (True, False):
        assert names(user_id, json.dumps({"user_id": user_id}, ensure_ascii=is_ascii))
    assert not names(user_id, '{"user_id":"abc"}')


def test_only_the_id_is_blotted_out():
    pattern = re.compile(pattern_of(["u1"]))
    value = {"who": "u1", "n": [1, "u12"], "raw": '{"user_id":"u1","u1":2}'}
    assert redacted(value, ["u1"], pattern) == {"who": ERASED, "n": [1, "u12"], "raw": f'{{"user_id":"{ERASED}","u1":2}}'}


@pytest.mark.parametrize(
    ("column", "is_named"), [("user_id", True), ("properties.user_id", True), ("user.id", True), ("country", False)]
)
def test_columns_that_name_people(column, is_named):
    assert is_identity(column) is is_named
