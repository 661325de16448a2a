from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.kernel.errors import Unavailable
from app.plan.photos.google_storage import ADDRESS, GoogleStorage, application_token
from app.plan.photos.storage import LocalStorage, photo_key, thumbnail_key

EVENT, PHOTO = "01a210f8-69e8-7fc4-9b6b-51fd6a2d5d3b", "01a210f8-69e8-7f8b-a5e5-dfd4c0d80f28"
KEY = photo_key(EVENT, PHOTO, "png")


def test_keys_follow_the_contract():
    assert photo_key(EVENT, PHOTO, "png") == f"events/{EVENT}/{PHOTO}.png"
    assert thumbnail_key(EVENT, PHOTO) == f"events/{EVENT}/{PHOTO}_thumbnail.webp"


@pytest.mark.parametrize(
    "key",
    ["", "../secret_key", "/etc/passwd", f"events/{EVENT}/../{PHOTO}.png", f"events/{EVENT}/{PHOTO}.html", KEY + "\n", KEY + "/x"],
)
def test_no_other_key_reaches_the_folder(tmp_path, key):
    storage = LocalStorage(tmp_path)
    for act in (storage.get, storage.delete, lambda bad: storage.put(bad, b"x", "image/png")):
        with pytest.raises(ValueError, match="not a key"):
            act(key)
    with pytest.raises(ValueError, match="not a key"):
        photo_key("..", PHOTO, "png")


def test_a_file_is_kept_replaced_and_forgotten(tmp_path):
    storage = LocalStorage(tmp_path)
    assert storage.get(KEY) is None
    storage.put(KEY, b"one", "image/png")
    storage.put(KEY, b"two", "image/png")
    assert storage.get(KEY) == b"two"
    assert (tmp_path / KEY).stat().st_mode & 0o077 == 0
    storage.delete(KEY)
    storage.delete(KEY)
    assert storage.get(KEY) is None
    assert not list(tmp_path.rglob("*.part"))


def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        LocalStorage(tmp_path).put(KEY, b"one", "image/png")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_old_files_and_leftovers_are_offered_for_sweeping(tmp_path):
    storage = LocalStorage(tmp_path)
    storage.put(KEY, b"one", "image/png")
    leftover = (tmp_path / KEY).with_name("x.part")
    leftover.write_bytes(b"half")
    now = datetime.now(UTC)
    assert list(storage.older_than(now - timedelta(hours=1))) == []
    assert leftover.exists()
    assert list(storage.older_than(now + timedelta(hours=1))) == [KEY]
    assert not leftover.exists()


def google(handler) -> GoogleStorage:
    client = httpx.Client(base_url=ADDRESS, transport=httpx.MockTransport(handler))
    return GoogleStorage("plans", lambda: "token", client)


def test_a_bucket_keeps_gives_and_forgets_files():
    kept: dict[str, bytes] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer token"
        if request.method == "POST":
            assert request.url.path == "/upload/storage/v1/b/plans/o"
            assert request.headers["content-type"] == "image/png"
            kept[request.url.params["name"]] = request.content
            return httpx.Response(200, json={})
        key = httpx.URL(request.url).raw_path.decode().partition("?")[0].rpartition("/")[2].replace("%2F", "/")
        if key not in kept:
            return httpx.Response(404)
        return (
            httpx.Response(200, content=kept[key])
            if request.method == "GET"
            else httpx.Response(204, content=kept.pop(key) and b"")
        )

    storage = google(answer)
    assert storage.get(KEY) is None
    storage.put(KEY, b"one", "image/png")
    assert storage.get(KEY) == b"one"
    storage.delete(KEY)
    storage.delete(KEY)
    assert storage.get(KEY) is None


def test_a_bucket_that_refuses_or_is_silent_is_unavailable():
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    for handler in (lambda _: httpx.Response(403), lambda _: httpx.Response(500), silent):
        with pytest.raises(Unavailable):
            google(handler).get(KEY)
    with pytest.raises(Unavailable):  # an upload to a bucket that does not exist is no success
        google(lambda _: httpx.Response(404)).put(KEY, b"x", "image/png")


def test_without_the_extra_a_bucket_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "google.auth", None)
    with pytest.raises(Unavailable, match="extra"):
        application_token()
