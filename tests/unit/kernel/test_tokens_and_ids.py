import logging
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.crypto import SecretBox, keyed_hash, random_token, sha256_hex
from app.kernel.ids import is_uuid, new_id
from app.kernel.logs import SecretFilter


def test_ids_are_version_7_and_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    early = new_id()
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_001_000_000)
    late = new_id()
    assert early < late
    assert uuid.UUID(early).version == 7
    assert uuid.UUID(early).variant == uuid.RFC_4122


def test_ids_of_one_millisecond_sort_by_creation_and_do_not_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_700_000_000_000_000_000)
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(one).version for one in made} == {7}


def test_ids_of_many_threads_and_of_a_forked_child_are_all_different() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [one for part in threads.map(lambda _: [new_id() for _ in range(500)], range(16)) for one in part]
    assert len(set(made)) == len(made)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(new_id() for _ in range(50)).encode())
        os._exit(0)
    own = {new_id() for _ in range(50)}
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    os.waitpid(child, 0)
    assert own.isdisjoint({text[start : start + 36] for start in range(0, len(text), 36)})
    assert len(text) == 50 * 36


UUID_TEXT = "12345678-1234-1234-1234-123456789012"


@pytest.mark.parametrize("text", ["", "x", "0" * 32, f"{{{UUID_TEXT}}}", f"urn:uuid:{UUID_TEXT}"])
def test_only_the_hyphenated_form_is_an_id(text: str) -> None:
    assert not is_uuid(text)
    assert is_uuid(str(uuid.uuid4()).upper())


@given(st.text())
def test_what_is_sealed_opens_to_the_same_text(text: str) -> None:
    box = SecretBox(["first key of the test"])
    assert box.open(box.seal(text)) == text


def test_old_keys_still_open_and_resealing_moves_to_the_newest() -> None:
    sealed = SecretBox(["old"]).seal("value")
    both = SecretBox(["new", "old"])
    assert both.open(sealed) == "value"
    assert SecretBox(["new"]).open(both.reseal(sealed)) == "value"
    with pytest.raises(ValueError, match="another encryption key"):
        SecretBox(["new"]).open(sealed)


def test_hashes_depend_on_the_secret_and_tokens_have_the_asked_length() -> None:
    assert keyed_hash("one", "token") != keyed_hash("two", "token") != sha256_hex("token")
    assert [len(random_token(length)) for length in (1, 32, 43)] == [1, 32, 43]


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer abcdef123456",
        'payload {"password": "hunter2hunter2"}',
        "key tk_w_abcdefghijklmnop used",
        "x-api-key=pl_ev_abcdefghijklmnop",
        "Cookie: plumbline_session=abcdef",
    ],
)
def test_credentials_never_reach_the_log(line: str) -> None:
    record = logging.LogRecord("t", logging.INFO, "f", 1, "%s", (line,), None)
    SecretFilter().filter(record)
    for secret in ("abcdef", "hunter2"):
        assert secret not in record.getMessage()
