"""Names for the arrays, and the few OpenCV calls the pure functions share.

`Pixels` are height x width x 3 or 4 in RGB order, 0 to 255. A `Plane` is height x width (or a stack
of planes), usually 0 to 1.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

OPAQUE = 255
RGB_CHANNELS = 3
RGBA_CHANNELS = 4
# Where a soft mask counts as product.
HALF = 0.5

# Jobs already run side by side, one thread each; a second pool below them would fight for the cores.
cv2.setNumThreads(1)


def blur(plane: Plane, radius: int) -> Plane:
    """The mean over a square of `2 * radius + 1` pixels; costs the same for any radius."""
    side = 2 * radius + 1
    result: Plane = cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
    return result


def gaussian(plane: Plane, sigma: float) -> Plane:
    result: Plane = cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.1), borderType=cv2.BORDER_CONSTANT)
    return result


def scale_plane(plane: Plane, height: int, width: int) -> Plane:
    """The plane at another size: averaged when it shrinks, bilinear when it grows."""
    if plane.shape[:2] == (height, width):
        return plane
    shrinks = height * width < plane.shape[0] * plane.shape[1]
    result: Plane = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return result


def shrink_to(pixels: Pixels, longest: int) -> Pixels:
    """The picture with its long side at most `longest`; itself when it is small enough."""
    height, width = pixels.shape[:2]
    if max(height, width) <= longest:
        return pixels
    factor = longest / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    result: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return result


def ramp(plane: Plane, low: float, high: float) -> Plane:
    """0 below `low`, 1 above `high`, a smooth S between."""
    t: Plane = np.clip((plane - low) / (high - low), 0.0, 1.0).astype(np.float32)
    smooth: Plane = t * t * (3.0 - 2.0 * t)
    return smooth
