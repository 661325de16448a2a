from __future__ import annotations

import pytest

from app.kernel.errors import InvalidInput, UnsupportedMedia
from app.plan.photos.naming import check_declared_type, checked_figma_url, tidy_filename


@pytest.mark.parametrize("place", ["file", "proto", "design", "board", "community/file"])
@pytest.mark.parametrize("host", ["figma.com", "www.figma.com", "WWW.Figma.com"])
def test_a_link_to_a_design_is_taken(host, place):
    address = f"https://{host}/{place}/AbC123/Checkout-flow?node-id=1-2&t=x#frame"
    assert checked_figma_url(f"  {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        "", "figma.com/file/1", "http://www.figma.com/file/1", "https://figma.com", "https://figma.com/file", "https://figma.com/file/",
        "https://figma.com/login/1", "https://figma.com/files/1", "https://figma.com/community/1", "https://evil.com/file/1",
        "https://figma.com.evil.com/file/1", "https://evil.com/https://figma.com/file/1", "https://figma.com@evil.com/file/1",
        "https://user@figma.com/file/1", "https://figma.com:8443/file/1", "javascript://figma.com/file/1", "https://[/file/1",
        "https://figma.com/file/1\nx", 'https://figma.com/file/1"onload=1', "https://figma.com/file/<b>",
        "https://figma.com/file/a b", "https://figma.com\\@evil.com/file/1",
    ],
)  # fmt: skip
def test_a_link_to_anywhere_else_is_refused(address):
    with pytest.raises(InvalidInput):
        checked_figma_url(address)


@pytest.mark.parametrize("declared", [None, "", "image/png", "IMAGE/JPEG; q=1", "image/jpg", "application/octet-stream"])
def test_a_picture_or_silence_is_a_fine_thing_to_declare(declared):
    check_declared_type(declared)


@pytest.mark.parametrize("declared", ["text/plain", "image/svg+xml", "application/pdf", "image/tiff", "nonsense"])
def test_what_says_itself_to_be_no_picture_is_refused(declared):
    with pytest.raises(UnsupportedMedia):
        check_declared_type(declared)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("cart.png", "cart.png"), ("../../etc/passwd", "passwd"), ("C:\\Users\\me\\Bild 1.png", "Bild 1.png"),
        ("ä\r\nb\x00.png", "äb.png"),
        ("", "photo.png"), (None, "photo.png"), ("..", "photo.png"), ("/", "photo.png"), ("x" * 600 + ".png", "x" * 496 + ".png"),
    ],
)  # fmt: skip
def test_a_file_name_is_only_ever_a_name(given, kept):
    assert tidy_filename(given, "png") == kept
