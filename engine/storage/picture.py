"""An image reduced to the few pixels that a terminal can show. Needs Pillow."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import IO, Any

PIXELS = 100_000_000
"""Images with more pixels are not decoded: 300 MB of memory would be their least."""
BYTES = 64 << 20
"""Packed bytes of an image in an archive that are unpacked for it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels, row after row, three bytes each: red, green, blue."""

    width: int
    height: int
    pixels: bytes

    def at(self, x: int, y: int) -> tuple[int, int, int]:
        """The colour of a pixel."""
        start = 3 * (y * self.width + x)
        red, green, blue = self.pixels[start : start + 3]
        return red, green, blue


@dataclass(frozen=True, slots=True)
class Reduced:
    """What an image is, in words, and its picture; None, and why, where it is not decoded."""

    about: str
    picture: Picture | None
    note: str = ""


def reduce(image_file: IO[bytes], room: tuple[int, int]) -> Reduced | None:
    """The first frame of an image, made to fit ``room`` (width, height in pixels).

    None where the file is no image that Pillow knows. What is transparent becomes white, as plots
    are made for paper.

    Raises:
        ImportError: Pillow is not installed.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(image_file)
        except (UnidentifiedImageError, Image.DecompressionBombError):
            return None
        except Exception:  # a decoder raises whatever broken bytes lead it to
            return None
        about = f"{image.format} image, {image.width} x {image.height}, {image.mode}"
        if image.width * image.height > PIXELS:
            return Reduced(about, None, f"Images above {PIXELS // 10**6} megapixels are not shown.")
        try:
            return Reduced(about, _reduced(image, room))
        except Exception as problem:  # a decoder raises whatever broken bytes lead it to
            return Reduced(about, None, f"It cannot be decoded: {type(problem).__name__}.")


def _reduced(image: Any, room: tuple[int, int]) -> Picture:
    from PIL import Image

    image.draft("RGB", (2 * room[0], 2 * room[1]))
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        colours = image.convert("RGBA")
        image = Image.new("RGBA", colours.size, "white")
        image.alpha_composite(colours)
    image = image.convert("RGB")
    scale = min(room[0] / image.width, room[1] / image.height, 1.0)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Picture(*size, image.tobytes())
