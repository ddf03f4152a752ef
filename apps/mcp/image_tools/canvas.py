"""Sizes and grounds: trimming, scaling once, placing, flattening. Pixels in, pixels out."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

from apps.mcp.image_tools.arrays import OPAQUE, RGB_CHANNELS, RGBA_CHANNELS, Pixels
from apps.mcp.image_tools.errors import ImageToolError

Gravity = Literal["center", "bottom"]
Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
# Fainter pixels than this cannot be seen and must not decide where the product ends.
FAINTEST = 8


def parse_colour(text: str) -> Colour:
    """`#rgb` or `#rrggbb` as three numbers; the tool's schema has checked the form."""
    digits = text.removeprefix("#")
    if len(digits) == len("rgb"):
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def with_alpha(pixels: Pixels) -> Pixels:
    if pixels.shape[2] == RGBA_CHANNELS:
        return pixels
    return np.dstack([pixels, np.full(pixels.shape[:2], OPAQUE, np.uint8)])


def trim(rgba: Pixels) -> Pixels:
    """The product without the transparent surround.

    Raises: ImageToolError when everything is transparent.
    """
    seen = rgba[..., 3] >= FAINTEST
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    if not rows.size:
        raise ImageToolError("The picture is empty: all of it is transparent.")
    return rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(rgba: Pixels, width: int, height: int, *, margin: float, upscale: bool) -> Pixels:
    """The trimmed product, scaled once so that it leaves `margin` per cent free on each side."""
    product = trim(rgba)
    room_x, room_y = width * (1 - margin / 50), height * (1 - margin / 50)
    factor = min(room_x / product.shape[1], room_y / product.shape[0])
    if factor == 1 or (factor > 1 and not upscale):
        return np.ascontiguousarray(product)
    size = max(1, round(product.shape[1] * factor)), max(1, round(product.shape[0] * factor))
    # Premultiplied, so that the invisible colour of transparent pixels cannot bleed into the rim.
    image = Image.fromarray(np.ascontiguousarray(product)).convert("RGBa")
    return np.array(image.resize(size, Image.Resampling.LANCZOS).convert("RGBA"))


def place(pixels: Pixels, width: int, height: int, *, gravity: Gravity, margin: float, colour: Colour | None) -> Pixels:
    """The picture, pixel for pixel, on a canvas of exactly this size.

    Raises: ImageToolError when it does not fit.
    """
    tall, wide = pixels.shape[:2]
    if wide > width or tall > height:
        raise ImageToolError(
            f"The picture is {wide} x {tall} pixels and does not fit on {width} x {height}. Resize it first."
        )
    left, top = (width - wide) // 2, (height - tall) // 2
    if gravity == "bottom":
        top = max(0, height - tall - round(height * margin / 100))
    canvas = np.zeros((height, width, 4), np.uint8)
    canvas[top : top + tall, left : left + wide] = with_alpha(pixels)
    return canvas if colour is None else flatten(canvas, colour)


def flatten(pixels: Pixels, colour: Colour) -> Pixels:
    """The picture over one colour, without transparency."""
    if pixels.shape[2] == RGB_CHANNELS:
        return pixels
    # In whole numbers: the ground stays exactly `colour` and opaque pixels exactly themselves.
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    share = pixels[..., 3].astype(np.uint32)
    for channel, ground in enumerate(colour):
        flat[..., channel] = (pixels[..., channel] * share + ground * (255 - share) + 127) // 255
    return flat
