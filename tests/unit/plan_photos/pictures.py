"""Pictures to upload, good and bad."""

from __future__ import annotations

import io
import random
import struct
import zlib

from PIL import Image

SECRET = "shot at 51.5 north"


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    """A coloured picture of the format."""
    output = io.BytesIO()
    image = Image.new(mode, size, "tomato" if mode in ("RGB", "RGBA") else 1)
    image.save(output, kind, **options)
    return output.getvalue()


def jpeg_with_exif(size: tuple[int, int] = (60, 20)) -> bytes:
    """A JPEG that says where it was taken and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = SECRET
    return picture("JPEG", size, exif=exif, comment=SECRET)


def moving(kind: str = "GIF", frames: int = 3, size: tuple[int, int] = (20, 10)) -> bytes:
    """A moving picture; every frame has its own colour."""
    generator = random.Random(frames)
    colours = [tuple(generator.randrange(256) for _ in range(3)) for _ in range(frames)]
    images = [Image.new("RGB", size, colour) for colour in colours]
    output = io.BytesIO()
    images[0].save(output, kind, save_all=True, append_images=images[1:], duration=80, loop=0)
    return output.getvalue()


def png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A small file that claims and holds an enormous picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = b"\0" * (width // 8 + 1)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height."""
    with Image.open(io.BytesIO(data)) as image:
        return image.size
