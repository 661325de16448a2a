from __future__ import annotations

import io
import random
import time

import pytest
from PIL import Image

from app.kernel.errors import InvalidInput, UnsupportedMedia
from app.plan.photos import imaging
from app.plan.photos.imaging import make_safe
from tests.unit.plan_photos.pictures import SECRET, jpeg_with_exif, moving, picture, png_bomb, size_of

FORMATS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "GIF": ("image/gif", "gif"), "WEBP": ("image/webp", "webp")}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_stays_in_its_format_and_gets_a_small_one(kind):
    safe = make_safe(picture(kind, (800, 600)))
    assert (safe.content_type, safe.extension) == FORMATS[kind]
    assert (safe.width, safe.height) == size_of(safe.data) == (800, 600)
    with Image.open(io.BytesIO(safe.data)) as image:
        assert image.format == kind
    with Image.open(io.BytesIO(safe.thumbnail)) as image:
        assert (image.format, image.size) == ("WEBP", (320, 240))


def test_the_places_and_words_in_a_photo_are_gone_and_it_stands_upright():
    data = jpeg_with_exif((60, 20))
    assert SECRET.encode() in data
    safe = make_safe(data)
    assert SECRET.encode() not in safe.data + safe.thumbnail
    assert size_of(safe.data) == (20, 60)
    with Image.open(io.BytesIO(safe.data)) as image:
        assert not image.getexif()


@pytest.mark.parametrize("kind", FORMATS)
def test_words_in_and_behind_the_picture_are_gone(kind):
    options = {"comment": SECRET} if kind in ("GIF", "JPEG") else {"xmp": SECRET.encode()} if kind == "WEBP" else {}
    safe = make_safe(picture(kind, **options) + b"<script>alert(1)</script>")
    assert b"<script>" not in safe.data
    assert SECRET.encode() not in safe.data


def test_a_colour_profile_stays():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(io.BytesIO(make_safe(picture("PNG", icc_profile=profile)).data)) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_sort_of_pixel_is_kept_readable(mode):
    assert size_of(make_safe(picture("PNG", mode=mode)).data) == (40, 30)


def test_print_colours_become_screen_colours():
    with Image.open(io.BytesIO(make_safe(picture("JPEG", mode="CMYK")).data)) as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_a_moving_picture_keeps_moving(kind):
    with Image.open(io.BytesIO(make_safe(moving(kind)).data)) as image:
        assert (image.n_frames, image.format) == (3, kind)


def test_a_picture_larger_than_any_screen_is_made_smaller():
    assert size_of(make_safe(picture("PNG", (6000, 1000))).data) == (4096, 683)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"%PDF-1.4",
        b"<html>",
        b"BM" + b"\0" * 60,
        b"\0",
    ],
)
def test_anything_else_is_of_no_known_type(data):
    with pytest.raises(UnsupportedMedia):
        make_safe(data)


def test_an_empty_file_is_refused():
    with pytest.raises(InvalidInput, match="empty"):
        make_safe(b"")


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n<html>", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP", jpeg_with_exif((400, 400))[:900]]
)
def test_a_picture_in_name_only_cannot_be_read(data):
    with pytest.raises(InvalidInput, match="cannot be read"):
        make_safe(data)


def test_a_bomb_is_refused_before_it_is_unpacked():
    data = png_bomb()
    assert len(data) < 200_000
    started = time.process_time()
    with pytest.raises(InvalidInput):
        make_safe(data)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("size", [(12_001, 1), (8000, 5001)])
def test_a_picture_beyond_the_bounds_in_pixels_is_refused(size):
    with pytest.raises(InvalidInput, match="40 million pixels"):
        make_safe(picture("PNG", size, mode="1"))


def test_a_film_is_no_picture(monkeypatch):
    monkeypatch.setattr(imaging, "MOST_FRAMES", 4)
    assert make_safe(moving(frames=4))
    with pytest.raises(InvalidInput, match="frames"):
        make_safe(moving(frames=5))


def test_damaged_pictures_are_refused_in_words_whatever_the_damage():
    generator = random.Random(1)
    for source in (jpeg_with_exif((200, 100)), picture("PNG", (90, 90)), moving("GIF"), moving("WEBP")):
        for _ in range(60):
            data = bytearray(source)
            for _ in range(10):
                data[generator.randrange(len(data))] = generator.randrange(256)
            try:
                make_safe(bytes(data))
            except (InvalidInput, UnsupportedMedia):
                continue
