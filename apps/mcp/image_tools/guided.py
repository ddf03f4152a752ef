"""The colour guided filter: a plane redrawn along the edges of a picture, with box blurs alone.

He, Sun & Tang, "Guided Image Filtering", 2013; filtering small and applying large is their "Fast
Guided Filter", 2015.
"""

from __future__ import annotations

import numpy as np

from apps.mcp.image_tools.arrays import Pixels, Plane, blur, scale_plane


def guide_of(rgb: Pixels) -> Plane:
    return rgb.astype(np.float32) * np.float32(1 / 255)


def guided_coefficients(guide: Plane, plane: Plane, *, radius: int, softness: float) -> Plane:
    """Height x width x 4: around each pixel, `plane` is these times (red, green, blue, 1).

    `softness` is the colour variance below which a region counts as flat and is merely smoothed.
    """
    mean, mean_plane = blur(guide, radius), blur(plane, radius)
    together = blur(guide * plane[..., None], radius) - mean * mean_plane[..., None]
    slope = _solve(_covariance(guide, mean, radius, softness), together)
    offset = mean_plane - np.einsum("hwc,hwc->hw", slope, mean)
    return blur(np.dstack([slope, offset]), radius)


def apply_coefficients(coefficients: Plane, guide: Plane) -> Plane:
    """The filtered plane at the size of `guide`, which may be larger than the coefficients."""
    large = scale_plane(coefficients, *guide.shape[:2])
    plane = np.einsum("hwc,hwc->hw", large[..., :3], guide) + large[..., 3]
    clipped: Plane = np.clip(plane, 0.0, 1.0).astype(np.float32, copy=False)
    return clipped


def _covariance(guide: Plane, mean: Plane, radius: int, softness: float) -> Plane:
    """The six different entries of the local 3 x 3 colour covariance: rr, rg, rb, gg, gb, bb."""
    first, second = [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]
    entries = np.empty((*guide.shape[:2], 6), np.float32)
    for entry, (i, j) in enumerate(zip(first, second, strict=True)):
        entries[..., entry] = blur(guide[..., i] * guide[..., j], radius) - mean[..., i] * mean[..., j]
    entries[..., [0, 3, 5]] += np.float32(softness)
    return entries


def _solve(covariance: Plane, together: Plane) -> Plane:
    """The slope: the symmetric 3 x 3 system of each pixel, by cofactors."""
    rr, rg, rb, gg, gb, bb = np.moveaxis(covariance, -1, 0)
    red, green, blue = np.moveaxis(together, -1, 0)
    c00, c01, c02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c00 + rg * c01 + rb * c02
    numerator = np.dstack(
        [
            c00 * red + c01 * green + c02 * blue,
            c01 * red + c11 * green + c12 * blue,
            c02 * red + c12 * green + c22 * blue,
        ]
    )
    slope: Plane = numerator / np.maximum(determinant, 1e-18)[..., None]
    return slope
