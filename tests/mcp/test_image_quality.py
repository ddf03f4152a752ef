"""What users see: clean outlines, untouched products, exact grounds. Pure functions, no server."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from apps.mcp.image_tools import canvas, masks, pictures, shadow
from apps.mcp.image_tools.cutout import CutOut, cut_out
from apps.mcp.image_tools.errors import ImageToolError
from tests.mcp import image_scenes as scenes


def cut(rgb: scenes.Pixels) -> CutOut:
    return cut_out(rgb, lambda done, message: None)


def read(name: str) -> scenes.Pixels:
    return np.asarray(Image.open(Path(data.data_dir) / name).convert("RGB"))


def overlap(found: scenes.Plane, true: scenes.Plane) -> float:
    both, either = (found > 0.5) & (true > 0.5), (found > 0.5) | (true > 0.5)
    return float(both.sum() / either.sum())


def edge_of(alpha: scenes.Plane, reach: int) -> np.ndarray:
    soft = ((alpha > 0) & (alpha < 1)).astype(np.uint8)
    return cv2.dilate(soft, np.ones((reach, reach), np.uint8)) > 0


# The package with the weights has no release for Python 3.13; what stands in for them there is tested below.
needs_weights = pytest.mark.skipif(masks._weights_path() is None, reason="no U2-Net-p weights for this Python")


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "load_network", lambda: None)


# The second figure is the mean error of alpha within four pixels of the true outline.
@needs_weights
@pytest.mark.parametrize(
    ("ground", "blurred", "least_overlap", "most_error"),
    [
        ("rocket", 15, 0.995, 0.03),
        ("coffee", 15, 0.995, 0.05),
        ("grass", 0, 0.985, 0.08),
        ("gravel", 0, 0.985, 0.08),
    ],
)
def test_cut_out__rendered_product__alpha_is_close_to_the_truth(
    ground: str, blurred: int, least_overlap: float, most_error: float
) -> None:
    product, alpha = scenes.make_mug(600, 800)
    behind = scenes.make_ground(ground, 600, 800)
    if blurred:
        behind = cv2.GaussianBlur(behind, (0, 0), blurred)

    found = cut(scenes.make_scene(behind, product, alpha)).rgba[..., 3] / 255

    assert overlap(found, alpha) >= least_overlap
    assert np.abs(found - alpha)[edge_of(alpha, 9)].mean() <= most_error
    handle = slice(260, 340), slice(515, 550)
    assert found[handle].max() == 0, "the hole in the handle stays a hole"


def test_cut_out__bright_product_on_dark__rim_carries_no_dark_halo() -> None:
    product, alpha = scenes.make_mug(600, 800)
    dark = cv2.GaussianBlur(scenes.make_ground("rocket", 600, 800) // 3, (0, 0), 15)

    rgba = cut(scenes.make_scene(dark, product, alpha)).rgba

    rim = (rgba[..., 3] > 12) & (rgba[..., 3] < 255) & (alpha > 0.2)
    error = rgba[..., :3][rim].astype(float) - product[rim]
    assert np.abs(error).mean() < 12
    assert error.mean() > -8, "darker than the product would be a halo of the old background"


@needs_weights
@pytest.mark.parametrize(
    ("name", "coverage", "inside", "outside"),
    [
        ("coffee.png", (0.42, 0.52), [(200, 200), (300, 300)], [(20, 560), (380, 20)]),
        ("motorcycle_left.png", (0.24, 0.32), [(250, 400), (330, 250)], [(40, 250), (470, 60)]),
        ("chelsea.png", (0.55, 0.90), [(150, 200), (200, 240)], [(30, 420), (280, 430)]),
    ],
)
def test_cut_out__real_photo__product_is_whole_and_ground_is_gone(
    name: str, coverage: tuple[float, float], inside: list[tuple[int, int]], outside: list[tuple[int, int]]
) -> None:
    rgb = read(name)

    found = cut(rgb)

    alpha = found.rgba[..., 3]
    solid = alpha == 255
    assert coverage[0] < found.coverage < coverage[1]
    assert [int(alpha[at]) for at in inside] == [255, 255]
    assert [int(alpha[at]) for at in outside] == [0, 0]
    assert np.array_equal(found.rgba[..., :3][solid], rgb[solid]), "inner pixels are the photo's own"
    haze = ((alpha > 0) & ~solid).sum() / solid.sum()
    assert haze < 0.12, "softness belongs to the outline only"


def test_cut_out__without_weights__grabcut_finds_the_same_cup(monkeypatch: pytest.MonkeyPatch) -> None:
    by_network = cut(data.coffee())
    monkeypatch.setattr(masks, "load_network", lambda: None)

    first, second = cut(data.coffee()), cut(data.coffee())

    assert first.method == "grabcut"
    assert overlap(first.rgba[..., 3] / 255, by_network.rgba[..., 3] / 255) > 0.95
    assert np.array_equal(first.rgba, second.rgba), "the same photo gives the same answer"


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_cut_out__picture_of_nothing__is_refused(shade: int) -> None:
    with pytest.raises(ImageToolError, match="No product could be found"):
        cut(np.full((240, 320, 3), shade, np.uint8))


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_cut_out__picture_of_nothing_without_weights__is_refused(without_network: None, shade: int) -> None:
    with pytest.raises(ImageToolError, match="No product could be found"):
        cut(np.full((240, 320, 3), shade, np.uint8))


def make_disc(size: int = 200, radius: int = 60) -> scenes.Pixels:
    """A white anti-aliased disc whose transparent pixels are black, the usual cause of dark fringes."""
    across, down = np.meshgrid(np.arange(size), np.arange(size))
    distance = np.hypot(across - size / 2, down - size / 2)
    alpha = np.clip(radius - distance + 0.5, 0, 1)
    rgba = np.zeros((size, size, 4), np.uint8)
    rgba[..., 3] = np.rint(alpha * 255)
    rgba[rgba[..., 3] > 0, :3] = 255
    return rgba


@pytest.mark.parametrize(("width", "height", "expected"), [(500, 400, 336), (64, 64, 54), (1000, 100, 84)])
def test_fit__any_canvas__fills_it_less_the_margin_without_dark_fringe(width: int, height: int, expected: int) -> None:
    fitted = canvas.fit(make_disc(), width, height, margin=8, upscale=True)

    assert fitted.shape == (expected, expected, 4)
    assert fitted[fitted[..., 3] > 8][:, :3].min() >= 250


def test_fit__small_product_without_upscaling__is_only_trimmed() -> None:
    fitted = canvas.fit(make_disc(), 1000, 1000, margin=0, upscale=False)

    assert np.array_equal(fitted, canvas.trim(make_disc()))


@pytest.mark.parametrize(("gravity", "top"), [("center", 30), ("bottom", 50)])
def test_place__on_larger_canvas__pixels_are_moved_not_changed(gravity: canvas.Gravity, top: int) -> None:
    part = np.random.default_rng(1).integers(0, 255, (41, 30, 4), np.uint8)

    placed = canvas.place(part, 101, 101, gravity=gravity, margin=10, colour=None)

    assert np.array_equal(placed[top : top + 41, 35:65], part)
    assert int(placed[..., 3].astype(int).sum()) == int(part[..., 3].astype(int).sum())


def test_place__coloured_canvas__ground_is_exactly_the_colour() -> None:
    placed = canvas.place(make_disc(), 240, 240, gravity="center", margin=0, colour=(12, 200, 7))

    assert placed.shape == (240, 240, 3)
    assert placed[0, 0].tolist() == placed[-1, -1].tolist() == [12, 200, 7]


@pytest.mark.parametrize("kind", ["contact", "drop"])
def test_add_shadow__any_kind__product_untouched_edges_clear_and_steps_small(kind: shadow.Kind) -> None:
    scene = canvas.place(make_disc(), 300, 300, gravity="center", margin=0, colour=None)

    shaded = shadow.add_shadow(scene, strength=0.5, blur=2, offset=2, kind=kind)

    solid = scene[..., 3] == 255
    assert np.array_equal(shaded[solid], scene[solid])
    border = np.concatenate([shaded[0], shaded[-1], shaded[:, 0], shaded[:, -1]])
    assert border[:, 3].max() == 0
    below = shaded[213:, 150, 3].astype(int)
    assert 30 < below.max() < 140
    assert np.abs(np.diff(below)).max() <= 14, "the shadow fades without a visible step"
    assert shaded[215:, :, :3][scene[215:, :, 3] == 0].max() == 0, "it is black, not tinted"


def test_add_shadow__nothing_to_cast_it__is_refused() -> None:
    with pytest.raises(ImageToolError, match="Cut it out first"):
        shadow.add_shadow(np.zeros((64, 64, 4), np.uint8), strength=0.3, blur=2, offset=1, kind="contact")


@pytest.mark.parametrize(("text", "colour"), [("#fff", (255, 255, 255)), ("#1a2B3c", (26, 43, 60))])
def test_flatten__transparent_picture__corners_are_exactly_the_colour(text: str, colour: tuple[int, int, int]) -> None:
    flat = canvas.flatten(make_disc(), canvas.parse_colour(text))

    assert flat.shape == (200, 200, 3)
    assert {tuple(flat[at].tolist()) for at in ((0, 0), (0, -1), (-1, 0), (-1, -1))} == {colour}


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("text", ["#ffffff", "#f4f4f0", "#808080", "#2b6cb0", "#e11d48"])
def test_encode_final__flat_ground__keeps_its_colour(kind: pictures.Format, text: str) -> None:
    colour = canvas.parse_colour(text)

    content = pictures.encode_final(canvas.flatten(make_disc(), colour), kind, 90)

    back = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    off = max(np.abs(back[at] - colour).max() for at in ((0, 0), (0, -1), (-1, 0), (-1, -1)))
    assert off <= (0 if kind == "png" else 2)


def test_encode_working__transparent_picture__comes_back_identical() -> None:
    disc = make_disc()

    assert np.array_equal(pictures.decode(pictures.encode_working(disc)), disc)
