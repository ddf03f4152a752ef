"""The product's own colour along its outline, where the photo shows it mixed with the background.

Blur fusion: Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021. Without it a dark or
coloured halo of the old background shows on the new one.
"""

from __future__ import annotations

import numpy as np

from apps.mcp.image_tools.arrays import Pixels, Plane, blur, scale_plane, shrink_to

# Colours of the rim vary slowly; estimating them at this size and correcting each pixel at full size
# looks the same as doing all of it large.
ESTIMATE_SIDE = 1600


def clean_rim(rgb: Pixels, alpha: Plane) -> Pixels:
    """`rgb` with the background taken out of every partly transparent pixel; others are untouched."""
    rim = (alpha > 0) & (alpha < 1)
    small = shrink_to(rgb, ESTIMATE_SIDE).astype(np.float32)
    product, ground = _estimate(small, scale_plane(alpha, *small.shape[:2]))
    share = alpha[rim][:, None]
    own, other = _sample(product, rim), _sample(ground, rim)
    mended = own + share * (rgb[rim] - share * own - (1 - share) * other)
    cleaned = rgb.copy()
    cleaned[rim] = np.clip(np.rint(mended), 0, 255).astype(np.uint8)
    return cleaned


def _estimate(rgb: Plane, alpha: Plane) -> tuple[Plane, Plane]:
    """Smooth colours of the product and of the background everywhere: a wide pass, then a near one."""
    wide = max(6, round(max(alpha.shape) / 40))
    near = max(2, round(max(alpha.shape) / 400))
    own, other = _fuse(rgb, rgb, alpha, wide)
    first = np.clip(own + alpha[..., None] * (rgb - _over(own, other, alpha)), 0, 255)
    return _fuse(first, other, alpha, near)


def _fuse(product: Plane, ground: Plane, alpha: Plane, radius: int) -> tuple[Plane, Plane]:
    share = blur(alpha, radius)[..., None]
    own = blur(product * alpha[..., None], radius) / (share + 1e-5)
    other = blur(ground * (1 - alpha)[..., None], radius) / (1 - share + 1e-5)
    return own, other


def _over(product: Plane, ground: Plane, alpha: Plane) -> Plane:
    mixed: Plane = alpha[..., None] * product + (1 - alpha)[..., None] * ground
    return mixed


def _sample(colours: Plane, rim: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Plane:
    """The colours at the rim's pixels, nearest where `rim` is larger."""
    rows, columns = np.nonzero(rim)
    height, width = colours.shape[:2]
    sampled: Plane = colours[rows * height // rim.shape[0], columns * width // rim.shape[1]]
    return sampled
