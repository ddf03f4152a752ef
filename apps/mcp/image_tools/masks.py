"""Where the product is: a coarse mask, by a small network or, without one, by GrabCut."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import cv2
import numpy as np

from apps.mcp.image_tools.arrays import HALF, Pixels, Plane, scale_plane, shrink_to

Method = Literal["u2netp", "grabcut"]

# The network was trained on squares of this side; anything else loses accuracy.
NETWORK_SIDE = 320
# ImageNet statistics, which the network was trained with.
CHANNEL_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
CHANNEL_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
# GrabCut grows with the pixel count: 0.2 to 0.8 s at this size, three times that at 450 px, where it
# also wandered off into the background more often.
GRABCUT_SIDE = 320
GRABCUT_ROUNDS = 3
# A second look closer by pays when the product fills less than this share of the picture.
CLOSER_BELOW = 0.8


class Box(NamedTuple):
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)


class CoarseMask(NamedTuple):
    """How likely each pixel of `box` belongs to the product, at the finder's own resolution.

    `grain` is the size of one of its pixels in pixels of the picture: finer than that it knows nothing.
    """

    plane: Plane
    box: Box
    grain: float
    method: Method


class Finder(Protocol):
    def __call__(self, rgb: Pixels) -> Plane: ...


@cache
def load_network() -> Finder | None:
    """The U2-Net-p network (Qin et al., "U2-Net", 2020), or None where it is not installed.

    Only the weights inside the `rembg` package are used; importing that package would load its
    whole command line.
    """
    weights = _weights_path()
    if weights is None:
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena keeps the largest picture's memory for ever; a long-lived process should give it back.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, session.get_outputs()[0].name

    def find(rgb: Pixels) -> Plane:
        result: Plane = session.run([target], {source: _network_input(rgb)})[0][0, 0]
        return result

    return find


def find_product(rgb: Pixels) -> CoarseMask | None:
    """The coarse mask of the main thing in the picture, or None when nothing stands out."""
    network = load_network()
    if network is None:
        return _whole(rgb, find_by_grabcut(rgb), "grabcut")
    first = network(rgb)
    # A picture with nothing in it answers with noise near zero; stretching that would find "products".
    if float(first.max()) < HALF:
        return None
    whole = _whole(rgb, _stretch(first), "u2netp")
    box = _box_around(whole.plane, rgb.shape[0], rgb.shape[1])
    if box.area >= CLOSER_BELOW * rgb.shape[0] * rgb.shape[1]:
        return whole
    return _look_closer(network, rgb, whole, box)


def find_by_grabcut(rgb: Pixels) -> Plane:
    """A mask from colours alone: the rim of the picture is background, the rest is worked out.

    Rother et al., "GrabCut", 2004.
    """
    small = shrink_to(rgb, GRABCUT_SIDE)
    height, width = small.shape[:2]
    edge_y, edge_x = max(2, height // 30), max(2, width // 30)
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    labels[edge_y:-edge_y, edge_x:-edge_x] = cv2.GC_PR_FGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(7)  # its clusters start at random: the same photo must give the same mask
    try:
        cv2.grabCut(small[..., ::-1].copy(), labels, None, *models, GRABCUT_ROUNDS, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # a picture of one colour leaves a model empty
        return np.zeros((height, width), np.float32)
    found = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    opened = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    result: Plane = cv2.GaussianBlur(opened.astype(np.float32), (0, 0), 1.0)
    return result


def _weights_path() -> Path | None:
    package = find_spec("rembg")
    for folder in (package.submodule_search_locations or []) if package else []:
        weights = Path(folder) / "u2netp.onnx"
        if weights.is_file():
            return weights
    return None


def _network_input(rgb: Pixels) -> Plane:
    square = cv2.resize(rgb, (NETWORK_SIDE, NETWORK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    square /= max(float(square.max()), 1.0)
    return np.ascontiguousarray(((square - CHANNEL_MEAN) / CHANNEL_SPREAD).transpose(2, 0, 1)[None])


def _stretch(plane: Plane) -> Plane:
    low, high = float(plane.min()), float(plane.max())
    return (plane - low) / max(high - low, 1e-6)


def _whole(rgb: Pixels, plane: Plane, method: Method) -> CoarseMask:
    height, width = rgb.shape[:2]
    grain = max(height / plane.shape[0], width / plane.shape[1])
    return CoarseMask(plane, Box(0, 0, height, width), grain, method)


def _box_around(plane: Plane, height: int, width: int) -> Box:
    """The product with an eighth of air around it, in pixels of the picture."""
    rows, columns = np.nonzero(plane.max(axis=1) > HALF)[0], np.nonzero(plane.max(axis=0) > HALF)[0]
    top, bottom = rows[0] / plane.shape[0] * height, (rows[-1] + 1) / plane.shape[0] * height
    left, right = columns[0] / plane.shape[1] * width, (columns[-1] + 1) / plane.shape[1] * width
    air_y, air_x = (bottom - top) / 8 + height / 40, (right - left) / 8 + width / 40
    return Box(
        max(0, int(top - air_y)),
        max(0, int(left - air_x)),
        min(height, int(bottom + air_y)),
        min(width, int(right + air_x)),
    )


def _look_closer(network: Finder, rgb: Pixels, whole: CoarseMask, box: Box) -> CoarseMask:
    """The mask of `box` alone, where the same 320 pixels see finer detail.

    The first look keeps a third of the vote: it saw the surroundings and knows what the product is.
    """
    near = network(rgb[box.top : box.bottom, box.left : box.right])
    if float(near.max()) < HALF:
        return whole
    scale_y, scale_x = whole.plane.shape[0] / rgb.shape[0], whole.plane.shape[1] / rgb.shape[1]
    rows = slice(int(box.top * scale_y), max(int(box.bottom * scale_y), int(box.top * scale_y) + 1))
    columns = slice(int(box.left * scale_x), max(int(box.right * scale_x), int(box.left * scale_x) + 1))
    far = scale_plane(np.ascontiguousarray(whole.plane[rows, columns]), *near.shape)
    grain = max((box.bottom - box.top) / near.shape[0], (box.right - box.left) / near.shape[1])
    return CoarseMask(0.65 * _stretch(near) + 0.35 * far, box, grain, "u2netp")
