"""Decodes untrusted images in a separate sandbox, so that the filter can encode new images from the pixels.

Descriptor 3 receives images, each as its length (4 bytes, big-endian) and its bytes. For each image, descriptor 4 sends
width and height (4 bytes each, big-endian) and the rows in RGBA. Width and height are zero when the image is not a
single-frame PNG or JPEG of at most MAX_PIXELS pixels.
"""

import io
import os
import warnings

from PIL import Image

REQUESTS = 3
PIXELS = 4


def read_exactly(length: int) -> bytes | None:
    """Returns the next `length` bytes of the request pipe, or None at its end."""
    parts: list[bytes] = []
    while length > 0:
        part = os.read(REQUESTS, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def write(data: bytes) -> None:
    """Writes all of `data` to the pixel pipe."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(PIXELS, rest) :]


def decode(data: bytes, max_pixels: int) -> tuple[int, int, bytes]:
    """Returns width, height and RGBA bytes. Raises an error for every other format, frame count or size."""
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
    """Decodes images until the request pipe ends. This is the entry point of the role `decode-image`."""
    max_pixels = int(arguments[0])
    Image.MAX_IMAGE_PIXELS = max_pixels
    while (length := read_exactly(4)) is not None:
        data = read_exactly(int.from_bytes(length, "big"))
        if data is None:
            return 1
        try:
            width, height, pixels = decode(data, max_pixels)
        except Exception:
            width, height, pixels = 0, 0, b""
        write(width.to_bytes(4, "big") + height.to_bytes(4, "big") + pixels)
    return 0
