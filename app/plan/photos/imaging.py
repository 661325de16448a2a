"""An uploaded picture made safe to keep and to serve.

Its type is read from its content. It is decoded within bounds and encoded again, so that nothing survives but pixels and their
colour profile: no EXIF with places and names, no text appended behind the picture, no fault that a viewer might fall for.
"""

from __future__ import annotations

import io
import struct
import threading
import zlib
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from app.kernel.errors import InvalidInput, UnsupportedMedia

MOST_PIXELS = 40_000_000
LONGEST_SIDE = 12_000
MOST_FRAMES = 200
STORED_SIDE = 4096
THUMBNAIL_SIDE = 320

_BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
)
# A picture in work takes up to a few hundred megabytes.
_turn = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    content_type: str
    extension: str
    can_move: bool = False
    options: tuple[tuple[str, object], ...] = ()


_JPEG = _Format("JPEG", "image/jpeg", "jpg", options=(("quality", 90), ("optimize", True)))
_PNG = _Format("PNG", "image/png", "png")
_GIF = _Format("GIF", "image/gif", "gif", can_move=True)
_WEBP = _Format("WEBP", "image/webp", "webp", can_move=True, options=(("quality", 90), ("method", 4)))

CONTENT_TYPES = frozenset(found.content_type for found in (_JPEG, _PNG, _GIF, _WEBP))


@dataclass(frozen=True, slots=True)
class SafeImage:
    """A picture as it is kept: bytes, their type, their size in pixels, and a small WebP of it."""

    data: bytes
    content_type: str
    extension: str
    width: int
    height: int
    thumbnail: bytes


def make_safe(data: bytes) -> SafeImage:
    """The picture, encoded again in its own format.

    Errors: UnsupportedMedia when the content is no JPEG, PNG, GIF or WebP; InvalidInput at `file` when it is empty, cannot be
    read, or is larger than the bounds of this module in pixels or frames (checked before anything is decoded).
    """
    if not data:
        raise InvalidInput("The file is empty", field="file")
    kind = _recognised(data)
    with _turn:
        try:
            with Image.open(io.BytesIO(data), formats=[kind.name]) as image:
                _check_size(image)
                image.verify()
            with Image.open(io.BytesIO(data), formats=[kind.name]) as image:
                return _encoded_again(image, kind)
        except _BROKEN:
            raise InvalidInput("The picture cannot be read", field="file") from None


def _recognised(data: bytes) -> _Format:
    if data.startswith(b"\xff\xd8\xff"):
        return _JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _GIF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    raise UnsupportedMedia("Only JPEG, PNG, GIF and WebP pictures can be uploaded")


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST_SIDE:
        raise InvalidInput(
            f"A picture has at most {MOST_PIXELS // 1_000_000} million pixels and {LONGEST_SIDE} on a side", field="file"
        )


def _encoded_again(image: Image.Image, kind: _Format) -> SafeImage:
    count = getattr(image, "n_frames", 1) if kind.can_move else 1
    if count > MOST_FRAMES or image.width * image.height * count > MOST_PIXELS:
        raise InvalidInput(f"A moving picture has at most {MOST_FRAMES} frames and 40 million pixels in all", field="file")
    options: dict[str, Any] = dict(kind.options)
    if count > 1:
        frames, durations = _frames(image, count)
        options |= {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": image.info.get("loop", 0)}
        if kind is _GIF:
            options["disposal"] = 2
        first = frames[0]
    else:
        first = _still(image, kind)
        if profile := image.info.get("icc_profile"):
            options["icc_profile"] = profile
    output = io.BytesIO()
    first.save(output, kind.name, **options)
    return SafeImage(output.getvalue(), kind.content_type, kind.extension, first.width, first.height, _thumbnail(first))


def _frames(image: Image.Image, count: int) -> tuple[list[Image.Image], list[int]]:
    frames, durations = [], []
    for number in range(count):
        image.seek(number)
        _check_size(image)
        frames.append(_bare(image.convert("RGBA")))
        durations.append(max(20, int(image.info.get("duration", 100) or 100)))
    return frames, durations


def _still(image: Image.Image, kind: _Format) -> Image.Image:
    if kind is _JPEG:
        image.draft("RGB", (STORED_SIDE, STORED_SIDE))
    upright = ImageOps.exif_transpose(image)
    if kind is _JPEG:
        upright = upright.convert("L" if upright.mode == "L" else "RGB")
    elif upright.mode not in ("1", "L", "RGB", "RGBA"):
        upright = upright.convert("RGBA")
    upright = _bare(upright)
    upright.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    return upright


def _bare(image: Image.Image) -> Image.Image:
    """The pixels without whatever the file said about them, which some encoders would write again."""
    copy = image.copy()
    copy.load()
    copy.info.clear()
    copy.getexif().clear()
    return copy


def _thumbnail(image: Image.Image) -> bytes:
    small = image.convert("RGBA" if image.mode in ("RGBA", "LA", "P") else "RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    output = io.BytesIO()
    small.save(output, "WEBP", quality=80, method=4)
    return output.getvalue()
