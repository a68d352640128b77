"""Decodes one image far from anything that matters: the filter takes the pixels and writes the file anew.

The image comes on descriptor 3 up to its end. Width and height (4 bytes each, big-endian) and then RGBA rows go out on
descriptor 4. Whatever is not a plain PNG or JPEG of at most MAX_PIXELS pixels ends with code 1 and no output.
"""

import io
import os
import warnings

from PIL import Image

MAX_BYTES = 64 * 1024 * 1024


def read_all(fd: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    while part := os.read(fd, 1 << 20):
        total += len(part)
        if total > MAX_BYTES:
            raise ValueError("too many bytes")
        parts.append(part)
    return b"".join(parts)


def decode(data: bytes, max_pixels: int) -> tuple[int, int, bytes]:
    """Width, height and RGBA bytes of the first (and only accepted) frame of a PNG or JPEG."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width < 1 or height < 1 or width * height > max_pixels:
                raise ValueError("too many pixels")
            if getattr(image, "n_frames", 1) != 1:
                raise ValueError("more than one frame")
            return width, height, image.convert("RGBA").tobytes()


def main(arguments: list[str]) -> int:
    max_pixels = int(arguments[0])
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        width, height, pixels = decode(read_all(3), max_pixels)
    except Exception:
        return 1
    rest = memoryview(width.to_bytes(4, "big") + height.to_bytes(4, "big") + pixels)
    while rest:
        rest = rest[os.write(4, rest) :]
    return 0
