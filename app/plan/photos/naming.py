"""Pure rules about names and addresses of photos (contract section 14)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from app.kernel.errors import InvalidInput, UnsupportedMedia
from app.plan.photos.imaging import CONTENT_TYPES

FIGMA_CONTENT_TYPE = "application/x-figma-embed"
FIGMA_TITLE = "Figma frame"
LONGEST_NAME = 500

_FIGMA_HOSTS = ("figma.com", "www.figma.com")
_FIGMA_PATH = re.compile(r"/(?:file|proto|design|board|community/file)/[^/]+(?:/.*)?")
_UNSAID = ("", "application/octet-stream")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def check_declared_type(content_type: str | None) -> None:
    """UnsupportedMedia when the client itself says that it sends no picture; silence is left to the content."""
    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared not in _UNSAID and declared not in CONTENT_TYPES and declared != "image/jpg":
        raise UnsupportedMedia("Only JPEG, PNG, GIF and WebP pictures can be uploaded")


def tidy_filename(name: str | None, extension: str) -> str:
    """The last part of the name a client gave, printable and bounded; `photo.<extension>` when nothing is left."""
    last = _UNPRINTABLE.sub("", (name or "").replace("\\", "/")).rpartition("/")[2].strip()
    return last[-LONGEST_NAME:] if last.strip(". ") else f"photo.{extension}"


def checked_figma_url(url: str) -> str:
    """The address of a file, prototype, design, board or community file on figma.com. Errors: InvalidInput at `url`."""
    address = url.strip()
    try:
        parts = urlsplit(address)
        is_figma = (
            parts.scheme == "https"
            and parts.netloc.lower() in _FIGMA_HOSTS
            and bool(_FIGMA_PATH.fullmatch(parts.path))
            and not re.search(r"[\s\\<>\"]", address)
            and not _UNPRINTABLE.search(address)
        )
    except ValueError:
        is_figma = False
    if not is_figma:
        raise InvalidInput("The link must lead to a file, prototype, design or board on https://www.figma.com", field="url")
    return address
