"""What each tool does with files: read, one pure function, write. Runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable

from apps.mcp.image_tools import canvas, cutout, pictures, shadow
from apps.mcp.image_tools.arrays import Pixels
from apps.mcp.image_tools.schemas import CutOutResult, ImageFile, ImageResult
from apps.mcp.image_tools.workspace import Workspace

Report = Callable[[float, str], None]


def cut_out(folder: Workspace, report: Report, image: str) -> CutOutResult:
    report(0.0, "Reading the photo")
    rgb = canvas.flatten(pictures.decode(folder.read(image)), canvas.WHITE)
    found = cutout.cut_out(rgb, report)
    report(0.8, "Saving")
    return CutOutResult(image=_save(folder, found.rgba), coverage=round(found.coverage, 4), method=found.method)


def resize(
    folder: Workspace, report: Report, image: str, *, width: int, height: int, margin: float, upscale: bool
) -> ImageResult:
    return _change(folder, report, image, lambda rgba: canvas.fit(rgba, width, height, margin=margin, upscale=upscale))


def pad(
    folder: Workspace,
    report: Report,
    image: str,
    *,
    width: int,
    height: int,
    gravity: canvas.Gravity,
    margin: float,
    color: str | None,
) -> ImageResult:
    colour = None if color is None else canvas.parse_colour(color)
    return _change(
        folder,
        report,
        image,
        lambda rgba: canvas.place(rgba, width, height, gravity=gravity, margin=margin, colour=colour),
    )


def soft_shadow(
    folder: Workspace,
    report: Report,
    image: str,
    *,
    strength: float,
    blur: float,
    offset: float,
    kind: shadow.Kind,
) -> ImageResult:
    return _change(
        folder,
        report,
        image,
        lambda rgba: shadow.add_shadow(rgba, strength=strength, blur=blur, offset=offset, kind=kind),
    )


def white_background(folder: Workspace, report: Report, image: str, *, color: str) -> ImageResult:
    colour = canvas.parse_colour(color)
    return _change(folder, report, image, lambda rgba: canvas.flatten(rgba, colour))


def convert(folder: Workspace, report: Report, image: str, *, kind: pictures.Format, quality: int) -> ImageResult:
    report(0.0, "Reading the picture")
    pixels = pictures.decode(folder.read(image))
    if kind == "jpeg":
        pixels = canvas.flatten(pixels, canvas.WHITE)
    report(0.4, "Saving")
    suffix = ".jpg" if kind == "jpeg" else f".{kind}"
    uri = folder.write(pictures.encode_final(pixels, kind, quality), suffix)
    return ImageResult(image=_described(uri, f"image/{kind}", pixels))


def _change(folder: Workspace, report: Report, image: str, change: Callable[[Pixels], Pixels]) -> ImageResult:
    report(0.0, "Reading the picture")
    pixels = canvas.with_alpha(pictures.decode(folder.read(image)))
    report(0.3, "Working on the picture")
    changed = change(pixels)
    report(0.7, "Saving")
    return ImageResult(image=_save(folder, changed))


def _save(folder: Workspace, pixels: Pixels) -> ImageFile:
    return _described(folder.write(pictures.encode_working(pixels), ".png"), "image/png", pixels)


def _described(uri: str, mime: str, pixels: Pixels) -> ImageFile:
    return ImageFile(uri=uri, mime=mime, width=pixels.shape[1], height=pixels.shape[0])
