"""From a coarse mask to the alpha of a photo: decided by region, soft only along the outline.

A network at 320 px knows where the product is, not where its edge runs. Three steps find the edge:
the guided filter draws the mask to the edges of the photo; whole regions are then decided, so that no
haze is left; and in a narrow band along the outline each pixel is explained as a mixture of the
product's and the background's colour near it.
"""

from __future__ import annotations

import cv2
import numpy as np

from apps.mcp.image_tools.arrays import Pixels, Plane, blur, ramp, scale_plane, shrink_to
from apps.mcp.image_tools.guided import apply_coefficients, guide_of, guided_coefficients
from apps.mcp.image_tools.masks import CoarseMask
from apps.mcp.image_tools.regions import fill_flaws, keep_main_parts

# Colours near the outline vary slowly: they are gathered at this size. The outline itself is drawn
# at the second; the full size then only applies what was found (0.9 s against 5 s at 12 MP).
GATHER_SIDE = 640
DRAW_SIDE = 1600
# The true edge lies within this many pixels of the coarse mask.
BAND_GRAINS = 2.0
# The network draws a little outside the true edge; these two, found on rendered scenes, take that back.
DECIDED_ABOVE = 0.55
UNSURE_RAMP = (0.3, 1.0)
# The last few per cent of a mixture are noise: below the first the pixel is gone, above the second whole.
FINAL_RAMP = (0.15, 0.95)
ROWS_AT_ONCE = 512


def refine(rgb: Pixels, coarse: CoarseMask) -> Plane:
    """The alpha of `rgb`, which is the part of the photo inside the coarse mask's box."""
    drawn = shrink_to(rgb, DRAW_SIDE)
    grain = coarse.grain * drawn.shape[0] / rgb.shape[0]
    guide = guide_of(drawn)
    snapped = _snap(guide, coarse.plane, grain)
    inside = fill_flaws(
        keep_main_parts((snapped > DECIDED_ABOVE).astype(np.uint8)), scale_plane(coarse.plane, *snapped.shape)
    )
    depth = _depth(inside, max(2.5, BAND_GRAINS * grain))
    mixed = _mix(guide, snapped, depth, grain)
    coefficients = guided_coefficients(guide, mixed, radius=max(1, round(grain)), softness=2e-5)
    return _apply_large(rgb, coefficients, depth)


def _snap(guide: Plane, coarse: Plane, grain: float) -> Plane:
    """The coarse mask pulled to the edges of the photo."""
    factor = min(1.0, GATHER_SIDE / max(guide.shape[:2]))
    small = scale_plane(guide, round(guide.shape[0] * factor), round(guide.shape[1] * factor))
    mask = np.clip(cv2.resize(coarse, small.shape[1::-1], interpolation=cv2.INTER_CUBIC), 0, 1)
    radius = max(2, round(2.5 * grain * factor))
    return apply_coefficients(guided_coefficients(small, mask, radius=radius, softness=1e-4), guide)


def _depth(inside: Pixels, band: float) -> Plane:
    """How deep inside (up to 1) or outside (down to -1) each pixel lies, in widths of the band."""
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    depth: Plane = np.clip((within - without) / band, -1.0, 1.0).astype(np.float32)
    return depth


def _mix(guide: Plane, snapped: Plane, depth: Plane, grain: float) -> Plane:
    """The share of product in each pixel of the band, from the colours on both sides of it.

    Where the two sides look alike that share says nothing, and the snapped mask stands.
    """
    factor = min(1.0, GATHER_SIDE / max(guide.shape[:2]))
    height, width = round(guide.shape[0] * factor), round(guide.shape[1] * factor)
    small, small_depth = scale_plane(guide, height, width), scale_plane(depth, height, width)
    radius = max(4, round(4 * grain * factor))
    product, product_spread = _local_colour(small, _weight(small_depth), radius)
    ground, ground_spread = _local_colour(small, _weight(-small_depth), radius)
    gap = product - ground
    distance = np.einsum("hwc,hwc->hw", gap, gap)
    trust = scale_plane(distance / (distance + 3 * (product_spread + ground_spread) + 0.01), *depth.shape)
    gap = scale_plane(gap / (distance + 1e-4)[..., None], *depth.shape)
    share = np.clip(np.einsum("hwc,hwc->hw", guide - scale_plane(ground, *depth.shape), gap), 0, 1)
    mixed = trust * share + (1 - trust) * ramp(snapped, *UNSURE_RAMP)
    return np.where(np.abs(depth) >= 1, depth > 0, mixed).astype(np.float32)


def _weight(depth: Plane) -> Plane:
    """1 beyond the band; a trace within it, so that thin parts still have a colour."""
    return (depth >= 1) + 1e-5 * (depth > 0).astype(np.float32) + np.float32(1e-9)


def _local_colour(guide: Plane, weight: Plane, radius: int) -> tuple[Plane, Plane]:
    """The mean colour near each pixel over what `weight` marks, and its variance."""
    total = blur(weight, radius)
    mean = blur(guide * weight[..., None], radius) / total[..., None]
    square = blur(np.einsum("hwc,hwc->hw", guide, guide) * weight, radius) / total
    return mean, np.maximum(square - np.einsum("hwc,hwc->hw", mean, mean), 0)


def _apply_large(rgb: Pixels, coefficients: Plane, depth: Plane) -> Plane:
    """The alpha at full size, in strips: all of it at once would be 500 MB for 12 megapixels."""
    height, width = rgb.shape[:2]
    alpha = np.empty((height, width), np.float32)
    large_depth = scale_plane(depth, height, width)
    rows = scale_plane(coefficients, height, coefficients.shape[1])
    for top in range(0, height, ROWS_AT_ONCE):
        strip = slice(top, top + ROWS_AT_ONCE)
        drawn = apply_coefficients(scale_plane(rows[strip], rows[strip].shape[0], width), guide_of(rgb[strip]))
        alpha[strip] = _hold(ramp(drawn, *FINAL_RAMP), large_depth[strip])
    return alpha


def _hold(alpha: Plane, depth: Plane) -> Plane:
    """The alpha, led to exactly 1 and 0 towards the two sides of the band."""
    lead = np.clip(2 * np.abs(depth) - 1, 0, 1)
    held: Plane = np.where(depth > 0, np.maximum(alpha, lead), np.minimum(alpha, 1 - lead))
    return held
