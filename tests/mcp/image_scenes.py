"""Photos with a known answer: a rendered product over a real background, and its true alpha."""

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data

OVERSAMPLING = 4

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]


def make_mug(height: int, width: int) -> tuple[Pixels, Plane]:
    """A shaded mug with a handle (a hole the mask must keep), smoothly anti-aliased."""
    tall, wide = height * OVERSAMPLING, width * OVERSAMPLING
    alpha = np.zeros((tall, wide), np.uint8)
    centre, half, top, bottom = int(wide * 0.45), int(wide * 0.18), int(tall * 0.22), int(tall * 0.78)
    rise = int(tall * 0.04)
    handle = (centre + half, (top + bottom) // 2)
    cv2.ellipse(alpha, handle, (int(wide * 0.10), int(tall * 0.16)), 0, -90, 90, 255, int(wide * 0.035))
    cv2.rectangle(alpha, (centre - half, top), (centre + half, bottom), 255, -1)
    cv2.ellipse(alpha, (centre, bottom), (half, rise), 0, 0, 360, 255, -1)
    cv2.ellipse(alpha, (centre, top), (half, rise), 0, 0, 360, 255, -1)
    across = np.linspace(0, 1, wide, dtype=np.float32)[None, :, None]
    shade = 0.55 + 0.45 * np.cos((across - 0.38) * 4.2)
    colour = np.broadcast_to(np.array([235, 232, 222], np.float32), (tall, wide, 3)) * shade
    band = slice(int(tall * 0.42), int(tall * 0.58))
    colour[band] = np.array([30, 96, 150], np.float32) * shade
    inner = np.zeros((tall, wide), np.uint8)
    cv2.ellipse(inner, (centre, top), (int(half * 0.92), int(rise * 0.8)), 0, 0, 360, 255, -1)
    colour[inner > 0] = (96, 62, 40)
    size = (width, height)
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(alpha.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA)
    return np.clip(small, 0, 255).astype(np.uint8), cover


def make_ground(name: str, height: int, width: int) -> Pixels:
    """A real texture or a soft real photo to stand behind the product."""
    picture = np.asarray(getattr(data, name)())
    if picture.ndim == 2:
        picture = np.dstack([picture] * 3)
    large: Pixels = cv2.resize(picture[..., :3], (width, height), interpolation=cv2.INTER_CUBIC)
    return large


def make_scene(ground: Pixels, product: Pixels, alpha: Plane, seed: int = 5) -> Pixels:
    """The product over the ground, with the grain of a camera."""
    share = alpha[..., None]
    mixed = product * share + ground * (1 - share)
    noise = np.random.default_rng(seed).normal(0, 2.0, mixed.shape)
    return np.clip(np.rint(mixed + noise), 0, 255).astype(np.uint8)
