"""Soft shadows, laid under the product so that none of its pixels change."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from apps.mcp.image_tools.arrays import HALF, OPAQUE, Pixels, Plane, gaussian, ramp, scale_plane, shrink_to
from apps.mcp.image_tools.errors import ImageToolError

Kind = Literal["contact", "drop"]

# A shadow has no detail: worked at this size it looks the same and costs a tenth.
SHADOW_SIDE = 640
# Thickness of the dark line where the product touches the ground, as a share of its width.
LINE = 0.02
# Height of the wide, faint pool of shadow on the ground, as a share of the product's width.
POOL = 0.09
# A part this far above the ground line (as a share of the product's height) no longer touches it.
TOUCH = 0.05
# How quickly the shadow weakens where the ground line climbs away from the lowest point.
CLIMB = 0.35
# The shadow is gone within this share of the canvas from every edge.
EDGE_FADE = 0.06


def add_shadow(rgba: Pixels, *, strength: float, blur: float, offset: float, kind: Kind) -> Pixels:
    """The product over its shadow; `blur` and `offset` are per cent of the canvas's short side."""
    alpha = shrink_to(np.ascontiguousarray(rgba[..., 3]), SHADOW_SIDE) * np.float32(1 / OPAQUE)
    if float(alpha.max()) < HALF:
        raise ImageToolError("There is no product in this picture that could cast a shadow. Cut it out first.")
    unit = min(alpha.shape) / 100
    cast = _contact if kind == "contact" else _drop
    shade = cast(alpha, blur * unit, offset * unit) * _edge_fade(*alpha.shape)
    large = scale_plane(np.clip(shade * strength, 0, 1).astype(np.float32), *rgba.shape[:2])
    return _under(rgba, large * _edge_fade(*rgba.shape[:2]))


def _contact(alpha: Plane, sigma: float, offset: float) -> Plane:
    """A dark line that hugs the foot, and a wide faint pool around it."""
    columns = np.nonzero(alpha.max(axis=0) > HALF)[0]
    solid = alpha[:, columns[0] : columns[-1] + 1] > HALF
    tall = int(np.count_nonzero(solid.any(axis=1)))
    lowest = (solid.shape[0] - 1 - np.argmax(solid[::-1], axis=0)).astype(np.float32)
    lowest[~solid.any(axis=0)] = 0
    ground = _ground_line(lowest)
    weight = np.exp(-(((ground.max() - ground) / (CLIMB * tall)) ** 2))
    touching = weight * np.exp(-(((ground - lowest) / (TOUCH * tall)) ** 2))
    width = ground.size
    belly: Plane = np.sqrt(np.maximum(0, 1 - np.linspace(-1, 1, width) ** 2)).astype(np.float32)
    near = _stroke(alpha.shape, columns[0], ground + 0.4 * offset, np.full(width, LINE * width, np.float32), touching)
    pool = _stroke(alpha.shape, columns[0], ground + offset, 0.5 * POOL * width * belly, weight)
    shade = 1 - (1 - 0.8 * gaussian(near, 0.5 * sigma)) * (1 - 0.6 * gaussian(near, 1.5 * sigma))
    shade = 1 - (1 - shade) * (1 - 0.55 * gaussian(pool, 2.2 * sigma))
    darkest: Plane = shade / max(float(shade.max()), 1e-6)
    return darkest


def _ground_line(lowest: Plane) -> Plane:
    """The taut line under the product: what it would rest on, also when seen at an angle."""
    chain: list[tuple[int, float]] = []
    for point in enumerate(lowest.tolist()):
        while len(chain) > 1 and _sags(chain[-2], chain[-1], point):
            chain.pop()
        chain.append(point)
    across, down = zip(*chain, strict=True)
    line: Plane = np.interp(np.arange(lowest.size), across, down).astype(np.float32)
    return line


def _sags(first: tuple[int, float], middle: tuple[int, float], last: tuple[int, float]) -> bool:
    """Whether `middle` lies above the straight line between its neighbours (rows count downwards)."""
    rise = (middle[1] - first[1]) * (last[0] - first[0])
    return rise <= (last[1] - first[1]) * (middle[0] - first[0])


def _stroke(shape: tuple[int, ...], left: int, row: Plane, half: Plane, weight: Plane) -> Plane:
    """A stroke along `row`, one value per column from `left` on, `half` thick to each side."""
    plane = np.zeros(shape, np.float32)
    down = np.arange(shape[0], dtype=np.float32)[:, None]
    cover = np.clip(half[None] + 0.5 - np.abs(down - row[None]), 0, 1) * weight[None]
    plane[:, left : left + row.size] = cover
    return plane


def _drop(alpha: Plane, sigma: float, offset: float) -> Plane:
    """The silhouette itself, moved down: for things photographed from above."""
    return gaussian(_shift(alpha, offset), sigma)


def _shift(plane: Plane, down: float) -> Plane:
    matrix = np.array([[1, 0, 0], [0, 1, down]], np.float32)
    moved: Plane = cv2.warpAffine(plane, matrix, plane.shape[1::-1], flags=cv2.INTER_LINEAR)
    return moved


def _edge_fade(height: int, width: int) -> Plane:
    """1 in the middle, exactly 0 on the outermost pixels."""
    fade = EDGE_FADE * min(height, width)
    vertical = np.minimum(np.arange(height), np.arange(height)[::-1]).astype(np.float32)
    horizontal = np.minimum(np.arange(width), np.arange(width)[::-1]).astype(np.float32)
    return ramp(vertical, 0, fade)[:, None] * ramp(horizontal, 0, fade)[None]


def _under(rgba: Pixels, shade: Plane) -> Pixels:
    """The product over black of this opacity."""
    product = rgba[..., 3].astype(np.float32) / 255
    total = product + shade * (1 - product)
    keep = np.divide(product, total, out=np.zeros_like(total), where=total > 0)
    result = np.empty_like(rgba)
    result[..., :3] = np.rint(rgba[..., :3] * keep[..., None]).astype(np.uint8)
    result[..., 3] = np.rint(total * 255).astype(np.uint8)
    solid = rgba[..., 3] == OPAQUE
    result[solid] = rgba[solid]
    return result
