"""Cutting the product out of a photo, from pixels to pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from apps.mcp.image_tools.arrays import HALF, Pixels, Plane
from apps.mcp.image_tools.errors import ImageToolError
from apps.mcp.image_tools.masks import Method, find_product
from apps.mcp.image_tools.refine import refine
from apps.mcp.image_tools.rim import clean_rim

Report = Callable[[float, str], None]

# Below and above these shares of the picture the mask is a speck of dirt or the whole frame.
LEAST_COVERAGE = 0.005
MOST_COVERAGE = 0.995
NOTHING_FOUND = (
    "No product could be found in this picture. Use a photo where the product stands out from its background."
)


class CutOut(NamedTuple):
    rgba: Pixels
    coverage: float
    method: Method


def cut_out(rgb: Pixels, report: Report) -> CutOut:
    """The product on transparency, at the photo's size; its inner pixels are the photo's own.

    Raises: ImageToolError when nothing stands out, or everything does.
    """
    report(0.1, "Finding the product")
    coarse = find_product(rgb)
    if coarse is None:
        raise ImageToolError(NOTHING_FOUND)
    top, left, bottom, right = coarse.box
    part = rgb[top:bottom, left:right]
    report(0.4, "Refining edges")
    alpha = _quantise(refine(part, coarse))
    coverage = float((alpha >= HALF).sum()) / (rgb.shape[0] * rgb.shape[1])
    if not LEAST_COVERAGE <= coverage <= MOST_COVERAGE:
        raise ImageToolError(NOTHING_FOUND)
    report(0.65, "Cleaning the rim")
    rgba = np.zeros((*rgb.shape[:2], 4), np.uint8)
    window = rgba[top:bottom, left:right]
    window[..., :3] = np.where(alpha[..., None] > 0, clean_rim(part, alpha), 0)
    window[..., 3] = np.rint(alpha * 255).astype(np.uint8)
    return CutOut(rgba, coverage, coarse.method)


def _quantise(alpha: Plane) -> Plane:
    """The alpha as it will be stored, so that the rim is mended for the values that are seen."""
    return np.rint(alpha * 255).astype(np.float32) / np.float32(255)
