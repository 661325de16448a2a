"""Addresses of event stores."""

from __future__ import annotations

import pytest

from app.eventstore.address import StoreAddress, answers, parse_address
from app.eventstore.service import connect, get_event_store, set_event_store
from app.kernel.errors import Unavailable
from app.kernel.settings import load_settings
from app.runtime_file import DataFolderLock, RuntimeRecord, write_runtime_record
from tests.ports import free_port


def test_a_full_url_is_taken_apart():
    assert parse_address("https://me:p%40ss%2Fword@ch.example:9440/analytics") == StoreAddress(
        host="ch.example", port=9440, user="me", password="p@ss/word", database="analytics", is_secure=True
    )


def test_what_a_url_leaves_out_has_clickhouses_defaults_and_our_database():
    assert parse_address("http://ch") == StoreAddress(host="ch", port=8123, user="default", password="", database="plumbline")
    assert parse_address("https://ch").port == 8443


@pytest.mark.parametrize(
    "url", ["ch:8123", "clickhouse://ch", "http://", "http://ch/a/b", "http://ch/x;y", "http://ch/x`y", "http://ch:http"]
)
def test_anything_else_is_refused(url):
    with pytest.raises(ValueError, match=r".+"):
        parse_address(url)


def test_secrets_stay_out_of_messages():
    address = parse_address("http://me:hidden@ch:8123/x")

    assert "hidden" not in repr(address) + address.url
    assert "hidden" not in repr(RuntimeRecord(1, "u", "s", 2, "hidden"))


def test_nobody_at_the_address_is_no_answer():
    assert not answers(StoreAddress(host="127.0.0.1", port=free_port(), user="u", password="p"), 0.5)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.delenv("PLUMBLINE_STORE_PORT", raising=False)
    monkeypatch.delenv("PLUMBLINE_STORE_SECRET", raising=False)
    return {"PLUMBLINE_DATA_DIR": str(tmp_path)}


def test_without_a_running_instance_the_sentence_says_what_to_do(environment):
    with pytest.raises(Unavailable, match=r"start one with `plumbline serve`"):
        connect(load_settings(environment))


def test_the_record_of_a_killed_instance_leads_nowhere(environment, tmp_path):
    write_runtime_record(tmp_path, RuntimeRecord(1, "u", "s", 4321, "secret"))

    with pytest.raises(Unavailable):
        connect(load_settings(environment))


def test_the_record_of_a_running_instance_leads_to_its_store(environment, tmp_path):
    write_runtime_record(tmp_path, RuntimeRecord(1, "u", "s", 4321, "secret"))

    with DataFolderLock(tmp_path):
        address = connect(load_settings(environment)).address

    assert (address.port, address.password) == (4321, "secret")


def test_the_supervisors_variables_come_before_the_record(environment, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_STORE_PORT", "1234")
    monkeypatch.setenv("PLUMBLINE_STORE_SECRET", "own")

    address = connect(load_settings(environment)).address

    assert (address.port, address.password) == (1234, "own")


def test_a_configured_server_comes_before_everything(environment, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_STORE_PORT", "1234")
    monkeypatch.setenv("PLUMBLINE_STORE_SECRET", "own")

    assert connect(load_settings({**environment, "PLUMBLINE_EVENTSTORE_URL": "http://ch/x"})).address.host == "ch"


def test_a_malformed_url_names_the_variable(environment):
    with pytest.raises(Unavailable, match="PLUMBLINE_EVENTSTORE_URL"):
        connect(load_settings({**environment, "PLUMBLINE_EVENTSTORE_URL": "ftp://ch"}))


def test_a_store_put_in_place_is_the_one_handed_out():
    store = object()
    set_event_store(store)  # type: ignore[arg-type]
    try:
        assert get_event_store() is store
    finally:
        set_event_store(None)
