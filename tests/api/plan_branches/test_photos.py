from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel.database import session_scope
from app.kernel.ids import new_id
from app.kernel.settings import get_settings
from models.attachments import EventPhoto
from models.plan import PlanBranch
from tests.api.plan_branches.workbench import make_branch
from tests.unit.plan_photos.pictures import SECRET, jpeg_with_exif, picture, png_bomb, size_of


def send(call, world, data=None, name="cart.png", content_type="image/png"):
    return call("POST", world.photos, files={"file": (name, picture() if data is None else data, content_type)})


def stored_files() -> list[Path]:
    return [path for path in (get_settings().data_dir / "photos").rglob("*") if path.is_file()]


def test_a_picture_is_kept_clean_and_served_to_members_only(call, client, world, editor):
    answer = send(call, world, jpeg_with_exif(), "Bild ä.jpg", "image/jpeg")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["kind"], made["content_type"], made["storage_backend"]) == ("photo", "image/jpeg", "local")
    assert (made["original_filename"], made["uploaded_by_user_id"]) == ("Bild ä.jpg", editor.user.id)
    assert (made["event_id"], made["external_url"], made["sort_order"]) == (world.event_id, None, 2)
    assert made["url"] == f"{world.photos}/{made['id']}/file"
    path = get_settings().data_dir / "photos" / "events" / world.event_id / f"{made['id']}.jpg"
    assert path.read_bytes() and made["size_bytes"] == path.stat().st_size
    shown = call("GET", made["url"])
    assert (shown.status_code, shown.content) == (200, path.read_bytes())
    assert SECRET.encode() not in shown.content
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["cache-control"] == "private, max-age=300"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-disposition"] == "inline; filename*=UTF-8''Bild%20%C3%A4.jpg"
    assert client.get(made["url"]).status_code == 401
    assert client.get(f"/photos/events/{world.event_id}/{made['id']}.jpg").status_code == 404
    small = call("GET", made["url"], params={"size": "thumbnail"})
    assert small.headers["content-type"] == "image/webp"
    assert size_of(small.content) == (20, 60)


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"", "image/png", 422), (b"hello", "text/plain", 415), (b"hello", "image/png", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415), (b"<html>", "image/png", 415),
        (b"\x89PNG\r\n\x1a\n broken", "image/png", 422), (png_bomb(20_000, 20_000), "image/png", 422),
    ],
)  # fmt: skip
def test_anything_but_a_sound_picture_is_refused_and_leaves_no_file(call, world, data, content_type, status):
    before = stored_files()
    answer = send(call, world, data, content_type=content_type)
    assert answer.status_code == status, answer.text
    assert stored_files() == before
    assert len(call("GET", world.photos).json()) == 2


def test_the_content_decides_what_the_picture_is(call, world):
    made = send(call, world, picture("WEBP"), "cart.png", "image/png").json()
    assert made["content_type"] == "image/webp"
    assert send(call, world, picture("GIF"), "x", "application/octet-stream").json()["content_type"] == "image/gif"


def test_a_picture_over_the_bound_is_too_large(call, world, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_PHOTO_MAX_BYTES", "2000")
    get_settings.cache_clear()
    assert send(call, world, b"\x89PNG\r\n\x1a\n" + b"x" * 1993).status_code == 413
    assert send(call, world, b"\x89PNG\r\n\x1a\n" + b"x" * 50_000).status_code == 413  # already by its content-length
    assert send(call, world, picture()).status_code == 201


def test_a_body_without_a_length_is_read_no_further_than_the_bound(client, editor, world, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_PHOTO_MAX_BYTES", "2000")
    get_settings.cache_clear()
    sent = 0

    def body():
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\nContent-Type: image/png\r\n\r\n'
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000
        yield b"\r\n--b--\r\n"

    headers = {**editor.headers, "Content-Type": "multipart/form-data; boundary=b"}
    assert client.post(world.photos, content=body(), headers=headers).status_code == 413


def test_the_form_needs_its_file(call, world):
    assert call("POST", world.photos, files={"other": ("x.png", picture(), "image/png")}).status_code == 422
    assert call("POST", world.photos, data={"file": "text"}).status_code == 422


def test_a_design_is_a_link_without_bytes(call, world):
    url = "https://www.figma.com/file/abc/Cart?node-id=1"
    made = call("POST", f"{world.photos}/figma", json={"url": url}).json()
    assert (made["kind"], made["original_filename"], made["content_type"]) == ("figma", "Figma frame", "application/x-figma-embed")
    assert (made["size_bytes"], made["storage_backend"], made["url"], made["external_url"]) == (0, None, url, url)
    shown = call("GET", f"{world.photos}/{made['id']}/file")
    assert (shown.status_code, shown.content) == (204, b"")
    titled = call("POST", f"{world.photos}/figma", json={"url": url, "title": " Cart "}).json()
    assert titled["original_filename"] == "Cart"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "https://evil.com/file/1",
        "http://figma.com/file/1",
        "https://figma.com/login",
        "https://figma.com/file/" + "x" * 2000,
    ],
)
def test_any_other_link_is_invalid(call, world, url):
    assert call("POST", f"{world.photos}/figma", json={"url": url}).status_code == 422


def test_photos_take_the_order_they_are_given(call, world):
    third = send(call, world).json()["id"]
    wanted = [third, world.other_photo_id, world.photo_id]
    answer = call("PATCH", f"{world.photos}/reorder", json={"photo_ids": wanted})
    assert [photo["id"] for photo in answer.json()] == wanted
    assert [photo["sort_order"] for photo in call("GET", world.photos).json()] == [0, 1, 2]
    assert [photo["id"] for photo in call("GET", world.photos).json()] == wanted


def test_an_order_names_every_photo_once(call, world):
    ids = [world.photo_id, world.other_photo_id]
    for wrong in ([], ids[:1], [*ids, new_id()], [ids[0], ids[0]], [*ids, ids[0]], [ids[0], new_id()]):
        assert call("PATCH", f"{world.photos}/reorder", json={"photo_ids": wrong}).status_code == 400
    assert call("PATCH", f"{world.photos}/reorder", json={"photo_ids": ["x"]}).status_code == 422


def test_photos_placed_alike_are_ordered_by_age(call, world, engine):
    with session_scope(engine) as session:
        session.get_one(EventPhoto, world.other_photo_id).sort_order = 0
    assert [photo["id"] for photo in call("GET", world.photos).json()] == [world.photo_id, world.other_photo_id]


def test_a_deleted_photo_takes_its_file_and_remarks_along(call, world):
    made = send(call, world).json()
    assert len(stored_files()) == 3
    assert call("DELETE", f"{world.photos}/{made['id']}").status_code == 204
    assert len(stored_files()) == 1
    assert call("DELETE", f"{world.photos}/{made['id']}").status_code == 404
    assert call("GET", f"{made['url']}").status_code == 404
    assert call("GET", f"{world.photos}/{made['id']}/comments").status_code == 404


def test_a_file_lives_as_long_as_a_copy_on_a_branch_shows_it(call, world, engine):
    made = send(call, world).json()
    with session_scope(engine) as session:
        branch = make_branch(session, world.slug, "later")
    events = call("GET", f"{world.base}/events", params={"branch": branch.id, "search": "order_paid"}).json()["items"]
    copies = call("GET", f"{world.base}/events/{events[0]['id']}/photos").json()
    copy = next(photo for photo in copies if photo["sort_order"] == 2)
    assert call("DELETE", f"{world.photos}/{made['id']}").status_code == 204
    assert call("GET", made["url"]).status_code == 404
    assert call("GET", copy["url"]).status_code == 200
    assert call("DELETE", f"{world.base}/branches/{branch.id}").status_code == 204
    assert len(stored_files()) == 1  # the picture of the world


def test_a_lost_file_is_not_found(call, world):
    for path in stored_files():
        path.unlink()
    assert call("GET", f"{world.photos}/{world.photo_id}/file").status_code == 404


def test_remarks_are_threaded_under_one_photo(call, world, editor):
    path = f"{world.photos}/{world.photo_id}/comments"
    reply = call("POST", path, json={"body": "Nicer", "parent_id": world.photo_comment_id}).json()
    assert (reply["body"], reply["parent_id"], reply["user_id"]) == ("Nicer", world.photo_comment_id, editor.user.id)
    assert [entry["body"] for entry in call("GET", path).json()] == ["Nice", "Nicer"]
    elsewhere = f"{world.photos}/{world.other_photo_id}/comments"
    for parent in (world.photo_comment_id, new_id()):
        assert call("POST", elsewhere, json={"body": "x", "parent_id": parent}).status_code == 400
    assert call("DELETE", f"{elsewhere}/{world.photo_comment_id}").status_code == 404
    assert call("DELETE", f"{path}/{world.photo_comment_id}").status_code == 204
    assert call("GET", path).json() == []


@pytest.mark.parametrize("body", ["", "  ", "x" * 4001, "a\x00", None])
def test_a_remark_says_something(call, world, body):
    assert call("POST", f"{world.photos}/{world.photo_id}/comments", json={"body": body}).status_code == 422


def test_photos_of_a_finished_branch_stay_as_they_are(call, world, engine):
    events = call("GET", f"{world.base}/events", params={"branch": world.branch_id, "search": "order_paid"}).json()["items"]
    photos = f"{world.base}/events/{events[0]['id']}/photos"
    with session_scope(engine) as session:
        session.get_one(PlanBranch, world.branch_id).status = "merged"
    before = stored_files()
    photo = call("GET", photos).json()[0]["id"]
    answers = [
        call("POST", photos, files={"file": ("x.png", picture(), "image/png")}),
        call("POST", f"{photos}/figma", json={"url": "https://figma.com/file/1"}),
        call("DELETE", f"{photos}/{photo}"),
        call("PATCH", f"{photos}/reorder", json={"photo_ids": []}),
        call("POST", f"{photos}/{photo}/comments", json={"body": "x"}),
    ]
    assert {answer.status_code for answer in answers} == {409}
    assert stored_files() == before
    assert call("GET", f"{photos}/{photo}/file").status_code == 200
