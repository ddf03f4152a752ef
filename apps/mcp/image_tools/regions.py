"""Decisions about whole regions of a mask: which parts are the product, which holes are real."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from apps.mcp.image_tools.arrays import Pixels, Plane

# A part smaller than this share of the largest one is a crumb of background, not a second product.
SMALLEST_PART = 0.05
# An enclosed gap smaller than this share of the product may be a highlight or a label; larger ones
# (the handle of a cup, a wheel) are believed.
LARGEST_FLAW = 0.01
# ... unless the finder was surer than this that the gap is background.
BELIEVED_GAP = 0.12


def keep_main_parts(mask: Pixels) -> Pixels:
    """The mask (0 or 1) without its crumbs."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:  # nothing but background
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.concatenate([[False], areas >= SMALLEST_PART * areas.max()])
    main: Pixels = kept[labels].astype(np.uint8)
    return main


def fill_flaws(mask: Pixels, likelihood: Plane) -> Pixels:
    """The mask (0 or 1) with its small doubtful holes closed."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    if count <= 1:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA]
    doubt = np.bincount(labels.ravel(), weights=likelihood.ravel(), minlength=count) / np.maximum(areas, 1)
    filled = (areas < LARGEST_FLAW * int(mask.sum())) & (doubt > BELIEVED_GAP) & _enclosed(stats, mask.shape)
    filled[0] = False  # label 0 is the product itself
    whole: Pixels = mask | filled[labels].astype(np.uint8)
    return whole


def _enclosed(stats: npt.NDArray[np.int32], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    enclosed: npt.NDArray[np.bool_] = (left > 0) & (top > 0) & (right < shape[1]) & (bottom < shape[0])
    return enclosed
