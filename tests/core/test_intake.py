"""Hostile, broken and odd uploads: each is refused for its own reason or comes out clean."""

import hashlib
import io
import os
import struct
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from skimage import data

from apps.core.errors import ApiError
from apps.core.storage import intake
from apps.core.storage.errors import (
    UploadAnimated,
    UploadBroken,
    UploadEmpty,
    UploadPastLimits,
    UploadTooLarge,
    UploadTooManyPixels,
    UploadTypeRefused,
)
from apps.core.storage.intake import IntakeLimits, NormalisedImage, normalise_upload

PHOTO = Image.fromarray(data.coffee())


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def make_png(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG by hand: Pillow writes neither 16-bit colour nor pictures it could not open."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body + png_chunk(b"IEND", b"")


def make_bomb() -> bytes:
    """50,000 x 50,000 one-bit pixels in a few hundred kilobytes."""
    packer, row = zlib.compressobj(9), bytes(1 + 50_000 // 8)
    body = b"".join(packer.compress(row * 500) for _ in range(100)) + packer.flush()
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def make_frames(kind: str, **options: Any) -> bytes:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    return encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)


def make_upright() -> Image.Image:
    """Four colours, one a corner, so that every turn and mirroring can be told apart."""
    image = Image.new("RGB", (48, 32))
    for at, colour in (((0, 0), "red"), ((24, 0), "lime"), ((0, 16), "blue"), ((24, 16), "white")):
        image.paste(colour, (*at, at[0] + 24, at[1] + 16))
    return image


def take_in(tmp_path: Path, content: bytes, **limits: Any) -> tuple[NormalisedImage, Image.Image]:
    source, out = tmp_path / "upload.bin", tmp_path / "clean.bin"
    source.write_bytes(content)
    normalised = normalise_upload(source, out=out, limits=IntakeLimits(**limits))
    written = out.read_bytes()
    image = Image.open(io.BytesIO(written))
    image.load()
    assert normalised == NormalisedImage(
        mime=str(Image.MIME[str(image.format)]),
        width=image.width,
        height=image.height,
        size=len(written),
        sha256=hashlib.sha256(written).hexdigest(),
    )
    assert source.read_bytes() == content
    return normalised, image


JPEG = encode(PHOTO, "JPEG", quality=90)
PNG = encode(PHOTO, "PNG")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(400)
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n" + b"showpage\n" * 20
PSD = b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, 16, 16, 8, 3) + bytes(200)
GIF = encode(PHOTO.convert("P"), "GIF")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", UploadEmpty, id="zero bytes"),
        pytest.param(b"GET / HTTP/1.1\r\n" * 9, UploadTypeRefused, id="text named jpg"),
        pytest.param(SVG, UploadTypeRefused, id="svg with script"),
        pytest.param(b"<!doctype html><img src=x>", UploadTypeRefused, id="html"),
        pytest.param(HEIC, UploadTypeRefused, id="heic"),
        pytest.param(EPS, UploadTypeRefused, id="eps renamed"),
        pytest.param(PSD, UploadTypeRefused, id="psd renamed"),
        pytest.param(GIF, UploadTypeRefused, id="gif"),
        pytest.param(make_frames("GIF"), UploadTypeRefused, id="animated gif"),
        pytest.param(encode(PHOTO, "TIFF"), UploadTypeRefused, id="tiff"),
        pytest.param(encode(PHOTO, "BMP"), UploadTypeRefused, id="bmp"),
        pytest.param(make_frames("WEBP"), UploadAnimated, id="animated webp"),
        pytest.param(make_frames("PNG"), UploadAnimated, id="animated png"),
        pytest.param(JPEG[:-4000], UploadBroken, id="truncated jpeg"),
        pytest.param(JPEG[:60], UploadBroken, id="jpeg header only"),
        pytest.param(PNG[: len(PNG) // 2], UploadBroken, id="truncated png"),
        pytest.param(PNG[:20], UploadBroken, id="png header only"),
        pytest.param(b"RIFF\x00\x10\x00\x00WEBPVP8 " + bytes(40), UploadBroken, id="webp rubbish"),
        pytest.param(make_bomb(), UploadTooManyPixels, id="pixel bomb"),
    ],
)
def test_normalise_upload__unfit_file__is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes, error: type[ApiError]
) -> None:
    source, out = tmp_path / "holiday.jpg", tmp_path / "clean"
    source.write_bytes(content)

    with pytest.raises(ApiError) as refusal:
        normalise_upload(source, out=out)

    assert type(refusal.value) is error
    assert not out.exists()


def test_normalise_upload__too_many_pixels__says_how_many_and_the_limit(tmp_path: Path) -> None:
    source = tmp_path / "large.jpg"
    source.write_bytes(encode(Image.new("RGB", (5001, 5000)), "JPEG"))

    with pytest.raises(UploadTooManyPixels) as refusal:
        normalise_upload(source, out=tmp_path / "clean")

    assert refusal.value.params == {"width": 5001, "height": 5000, "limit": 25}
    assert refusal.value.status == 422


def test_normalise_upload__file_past_the_byte_limit__is_refused_unread(tmp_path: Path) -> None:
    source = tmp_path / "large.jpg"
    source.write_bytes(b"\xff" * 1_000_001)

    with pytest.raises(UploadTooLarge) as refusal:
        normalise_upload(source, out=tmp_path / "clean", limits=IntakeLimits(max_bytes=1_000_000))

    assert (refusal.value.status, refusal.value.params) == (413, {"limit": 1})


@pytest.mark.parametrize("orientation", range(1, 9))
def test_normalise_upload__turned_camera__result_is_upright(tmp_path: Path, orientation: int) -> None:
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    upright = make_upright()
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright if stored is None else upright.transpose(stored)

    normalised, image = take_in(tmp_path, encode(turned, "PNG", exif=exif))

    assert (normalised.width, normalised.height) == (48, 32)
    assert image.tobytes() == upright.tobytes()
    assert not image.getexif()


def test_normalise_upload__phone_photo__loses_place_maker_and_comments(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    content = encode(PHOTO, "JPEG", exif=exif, comment=b"secret comment", xmp=b"<x:xmpmeta>secret</x:xmpmeta>")
    assert b"PhoneMaker" in content

    normalised, image = take_in(tmp_path, content)

    written = (tmp_path / "clean.bin").read_bytes()
    assert normalised.mime == "image/jpeg"
    assert b"PhoneMaker" not in written
    assert b"secret" not in written
    assert b"Exif" not in written
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_normalise_upload__png_text_chunks__are_gone(tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", "secret")
    notes.add_itxt("XML:com.adobe.xmp", "secret")

    _, image = take_in(tmp_path, encode(PHOTO, "PNG", pnginfo=notes, dpi=(300, 300)))

    assert image.info == {}
    assert image.tobytes() == PHOTO.tobytes()


def test_normalise_upload__zip_behind_the_picture__disappears(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("payload.html", "<script>alert(1)</script>")

    _, image = take_in(tmp_path, PNG + archive.getvalue())

    assert not zipfile.is_zipfile(tmp_path / "clean.bin")
    assert image.tobytes() == PHOTO.tobytes()


def test_normalise_upload__mpo_of_a_phone__first_view_is_taken(tmp_path: Path) -> None:
    content = encode(PHOTO, "MPO", save_all=True, append_images=[Image.new("RGB", PHOTO.size)], quality=95)

    normalised, image = take_in(tmp_path, content)

    assert (normalised.mime, image.size) == ("image/jpeg", PHOTO.size)
    assert np.abs(np.asarray(image).astype(int) - data.coffee()).mean() < 4


def test_normalise_upload__cmyk_jpeg__keeps_its_colours(tmp_path: Path) -> None:
    _, image = take_in(tmp_path, encode(make_upright().convert("CMYK"), "JPEG", quality=100, subsampling=0))

    colours = [image.getpixel(at) for at in ((10, 8), (38, 8), (10, 24), (38, 24))]
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    assert image.mode == "RGB"
    assert np.abs(np.array(colours) - expected).max() <= 6


def test_normalise_upload__sixteen_bit_grey__is_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).round().astype(np.uint16), (16, 1))

    normalised, image = take_in(tmp_path, encode(Image.fromarray(ramp), "PNG"))

    assert (normalised.mime, image.mode) == ("image/png", "RGB")
    assert np.abs(np.asarray(image)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize(("colour", "channels", "mode"), [(2, 3, "RGB"), (6, 4, "RGBA")])
def test_normalise_upload__sixteen_bit_colour__is_scaled(tmp_path: Path, colour: int, channels: int, mode: str) -> None:
    values = np.full((8, 8, channels), 0x80FF, ">u2")
    rows = b"".join(b"\x00" + row.tobytes() for row in values)

    _, image = take_in(tmp_path, make_png(8, 8, depth=16, colour=colour, rows=rows))

    assert image.mode == mode
    assert image.getpixel((4, 4)) == (128,) * channels


def test_normalise_upload__palette_with_transparency__becomes_alpha(tmp_path: Path) -> None:
    image = Image.new("P", (20, 10))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (10, 0, 20, 10))

    normalised, clean = take_in(tmp_path, encode(image, "PNG", transparency=bytes([255, 0])))

    assert (normalised.mime, clean.mode) == ("image/png", "RGBA")
    assert clean.getpixel((2, 2)) == (255, 0, 0, 255)
    assert clean.getpixel((15, 5))[3] == 0


@pytest.mark.parametrize(
    ("image", "kind", "mime", "mode"),
    [
        (PHOTO.convert("L"), "JPEG", "image/jpeg", "RGB"),
        (PHOTO.convert("1"), "PNG", "image/png", "RGB"),
        (PHOTO.convert("RGBA"), "PNG", "image/png", "RGB"),
        (PHOTO.convert("LA"), "PNG", "image/png", "RGB"),
        (PHOTO, "WEBP", "image/jpeg", "RGB"),
        (PHOTO.convert("RGBA"), "WEBP", "image/jpeg", "RGB"),
        (Image.new("RGBA", (30, 30), (9, 99, 199, 128)), "WEBP", "image/png", "RGBA"),
    ],
)
def test_normalise_upload__every_kind_of_pixel__comes_out_plain(
    tmp_path: Path, image: Image.Image, kind: str, mime: str, mode: str
) -> None:
    normalised, clean = take_in(tmp_path, encode(image, kind))

    assert (normalised.mime, clean.mode, clean.size) == (mime, mode, image.size)


def test_normalise_upload__over_long_side__is_scaled_down_once(tmp_path: Path) -> None:
    normalised, image = take_in(tmp_path, encode(Image.new("RGB", (6000, 1500), (90, 90, 90)), "JPEG"))

    assert (normalised.width, normalised.height) == (4096, 1024)
    assert image.getcolors() == [(4096 * 1024, (90, 90, 90))]


def test_normalise_upload__colour_profile__is_applied_and_a_broken_one_dropped(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # The same profile with red and green exchanged: applying it must exchange them in the picture.
    renamed = profile.replace("sRGB".encode("utf-16-be"), "xxxx".encode("utf-16-be"))
    swapped = renamed.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")
    flat = Image.new("RGB", (8, 8), (200, 40, 40))

    _, plain = take_in(tmp_path, encode(flat, "PNG", icc_profile=profile))
    _, applied = take_in(tmp_path, encode(flat, "PNG", icc_profile=swapped))
    _, dropped = take_in(tmp_path, encode(flat, "PNG", icc_profile=b"rubbish" * 30))

    assert plain.getpixel((4, 4)) == dropped.getpixel((4, 4)) == (200, 40, 40)
    red, green, _ = applied.getpixel((4, 4))
    assert (red < 60, green > 180) == (True, True)


def test_normalise_upload__too_little_memory__is_refused(tmp_path: Path) -> None:
    source = tmp_path / "large.png"
    source.write_bytes(encode(Image.new("RGB", (5000, 5000)), "PNG"))

    with pytest.raises(UploadPastLimits):
        normalise_upload(source, out=tmp_path / "clean", limits=IntakeLimits(memory_bytes=100_000_000))

    assert not (tmp_path / "clean").exists()


def test_normalise_upload__child_hangs__it_and_its_children_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids, hanging = tmp_path / "pids", tmp_path / "hanging.py"
    hanging.write_text(
        f"import os, time\nother = os.fork()\nopen({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(60)\n"
    )
    monkeypatch.setattr(intake, "CHILD", hanging)
    source = tmp_path / "photo.jpg"
    source.write_bytes(JPEG)
    started = time.monotonic()

    with pytest.raises(UploadPastLimits):
        normalise_upload(source, out=tmp_path / "clean", limits=IntakeLimits(timeout_seconds=1.0))

    assert time.monotonic() - started < 30, "the child alone would have slept for 60 seconds"
    group = [int(pid) for pid in pids.read_text().split()]
    assert len(group) == 2
    assert [pid for pid in group if is_running(pid)] == []


def is_running(pid: int) -> bool:
    """Whether the process still does anything; an orphan may wait a moment to be reaped."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_normalise_upload__real_child_past_its_time__is_refused(tmp_path: Path) -> None:
    source = tmp_path / "photo.jpg"
    source.write_bytes(JPEG)

    with pytest.raises(UploadPastLimits):
        normalise_upload(source, out=tmp_path / "clean", limits=IntakeLimits(timeout_seconds=0.001))


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("import os; os.abort()", UploadBroken),
        ("raise SystemExit(3)", UploadBroken),
        ("print('no json')", UploadBroken),
        ("print('[]')", UploadBroken),
        ("print('{}')", UploadBroken),
        ('print(\'{"mime": "text/html", "width": 1, "height": 1}\')', UploadBroken),
        ("print('x' * 9_000_000)", UploadBroken),
        ("while True: pass", UploadPastLimits),
    ],
)
def test_normalise_upload__child_misbehaves__is_a_refusal_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[ApiError]
) -> None:
    child, source = tmp_path / "child.py", tmp_path / "photo.jpg"
    child.write_text(f"import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\n{script}\n")
    source.write_bytes(JPEG)
    monkeypatch.setattr(intake, "CHILD", child)

    with pytest.raises(error):
        normalise_upload(source, out=tmp_path / "clean")

    assert not (tmp_path / "clean").exists()


def test_child__started_alone__sees_no_environment_and_limits_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, source = tmp_path / "report", tmp_path / "photo.jpg"
    source.write_bytes(JPEG)
    probe = tmp_path / "probe.py"
    probe.write_text(
        "import json, os, resource, sys\n"
        f"sys.path.insert(0, {str(intake.CHILD.parent)!r})\n"
        "import intake_child\n"
        "intake_child.limit_self(json.loads(sys.argv[3]))\n"
        "kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)\n"
        f"open({str(report)!r}, 'w').write(json.dumps([sorted(set(os.environ) - {{'LC_CTYPE'}}),\n"
        "    [resource.getrlimit(kind)[1] for kind in kinds],\n"
        "    'PIL' in sys.modules, os.getsid(0) == os.getpid()]))\n"
    )
    monkeypatch.setattr(intake, "CHILD", probe)
    monkeypatch.setenv("PAIBAN_SECRET", "x")

    with pytest.raises(UploadBroken):
        normalise_upload(source, out=tmp_path / "clean")

    assert report.read_text() == "[[], [768000000, 12, 128000000, 0], false, true]"
    assert (os.environ["PAIBAN_SECRET"], "PAIBAN_SECRET" in report.read_text()) == ("x", False)
