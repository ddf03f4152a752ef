"""The limited process that opens an uploaded picture: `python -I intake_child.py SOURCE TARGET LIMITS`.

Run by `intake`, never imported by the product. It limits itself before it loads any image code, writes the
cleaned picture to TARGET and one line of JSON to its output. Standard library and Pillow only.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
MAX_OPEN_FILES = 32
JPEG_QUALITY = 95
OPAQUE = 255


class RefusedError(Exception):
    """Carries the answer: the kind of refusal and its figures."""

    def __init__(self, error: str, **figures: int) -> None:
        super().__init__(error)
        self.answer: dict[str, Any] = {"error": error, **figures}


def main(source: str, target: str, limits: dict[str, int]) -> dict[str, Any]:
    """The answer for the parent: the written picture's figures, or why there is none."""
    limit_self(limits)
    try:
        return normalise(source, target, limits["max_pixels"], limits["max_side"])
    except RefusedError as refused:
        return refused.answer
    except MemoryError:
        return {"error": "limits"}
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError):
        # What Pillow's readers raise on damaged data; another exception ends the process with a traceback.
        return {"error": "broken"}


def limit_self(limits: dict[str, int]) -> None:
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (value, value))


def normalise(source: str, target: str, max_pixels: int, max_side: int) -> dict[str, Any]:
    """Upright, 8 bits, sRGB, no metadata, at most `max_side` long."""
    image = open_checked(source, max_pixels)
    is_png = image.format == "PNG"
    image.load()
    upright = to_srgb(to_eight_bits(image), turned(image))
    del image  # the raw pixels are not needed twice: 100 MB for 25 megapixels
    fitted = fit(upright, max_side)
    fitted.info.clear()
    if is_png or fitted.mode == "RGBA":
        fitted.save(target, "PNG", compress_level=3)
        mime = "image/png"
    else:
        fitted.save(target, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        mime = "image/jpeg"
    return {"mime": mime, "width": fitted.width, "height": fitted.height}


def open_checked(source: str, max_pixels: int) -> Image.Image:
    """The picture with only its header read, known to be one still picture of allowed type and size."""
    # Named here, the three readers are all that is loaded; asked for a format it does not know yet, Pillow
    # would load its forty others (0.2 s, and their code).
    from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401

    Image.MAX_IMAGE_PIXELS = None  # the check below is stricter and knows the figures
    try:
        image = Image.open(source, formats=("JPEG", "PNG", "WEBP"))
    except UnidentifiedImageError:
        raise RefusedError("broken" if has_known_signature(source) else "type") from None
    if image.width * image.height > max_pixels:
        raise RefusedError("pixels", width=image.width, height=image.height)
    # A phone's MPO is a JPEG with further views behind it; its first view is the photo.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise RefusedError("animated")
    return image


def has_known_signature(source: str) -> bool:
    with open(source, "rb") as file:
        start = file.read(12)
    return start.startswith(SIGNATURES) or (start[:4] == b"RIFF" and start[8:] == b"WEBP")


def turned(image: Image.Image) -> int:
    """The way the camera was held, by its EXIF tag; 1 when it says nothing readable."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a damaged tag must not cost the picture
        return 1


def to_eight_bits(image: Image.Image) -> Image.Image:
    """RGB, RGBA, CMYK or L with 8 bits a channel; transparency only as an alpha channel."""
    if image.mode.startswith("I"):
        # 65535 must become 255 and half of it half; a plain convert would clip at 255.
        profile = image.info.get("icc_profile")
        image = image.convert("I").point(lambda value: value / 257).convert("L")
        image.info["icc_profile"] = profile
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in {"RGB", "L", "CMYK"} else image.convert("RGB")


def to_srgb(image: Image.Image, orientation: int) -> Image.Image:
    """RGB, or RGBA where a pixel is really transparent, in sRGB and the right way up."""
    from PIL import Image

    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = convert_profile(image.convert("RGB") if alpha else image, image.info.get("icc_profile"))
    if alpha and alpha.getextrema()[0] != OPAQUE:
        colours.putalpha(alpha)
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(orientation)
    return colours if method is None else colours.transpose(method)


def convert_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB; a profile that is broken or of another kind of picture is dropped."""
    if not profile:
        return image.convert("RGB")
    from io import BytesIO

    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and "srgb" in (source.profile.profile_description or "").lower():
            return image  # a round trip would only change pixels by one level here and there
        result = ImageCms.profileToProfile(
            image,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image.convert("RGB")
    return result or image.convert("RGB")


def fit(image: Image.Image, max_side: int) -> Image.Image:
    """The picture scaled once, and only down."""
    from PIL import Image

    longest = max(image.size)
    if longest <= max_side:
        return image
    size = tuple(max(1, round(side * max_side / longest)) for side in image.size)
    if image.mode != "RGBA":
        return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    # Premultiplied: the colour under transparent pixels is arbitrary and must not bleed into the rim.
    return image.convert("RGBa").resize((size[0], size[1]), Image.Resampling.LANCZOS).convert("RGBA")


if __name__ == "__main__":
    answer = main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    sys.stdout.write(json.dumps(answer) + "\n")
