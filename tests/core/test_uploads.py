"""`POST /api/v1/uploads` refuses what is no usable picture, with the documented code, and keeps nothing."""

import io
import os
import struct
import zlib

import pytest
from PIL import Image

from apps.core.storage import services as storage
from apps.core.storage.models import StoredFile
from tests.conftest import Api

pytestmark = pytest.mark.django_db


def jpeg(size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", size, "#a03020").save(sink, "JPEG", **options)
    return sink.getvalue()


def animated_gif() -> bytes:
    sink = io.BytesIO()
    frames = [Image.new("P", (8, 8), color) for color in (1, 2)]
    frames[0].save(sink, "GIF", save_all=True, append_images=frames[1:])
    return sink.getvalue()


def bomb() -> bytes:
    """A one-bit PNG that says it is 50,000 pixels wide and high."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("notes.jpg", b"only text", (415, "STORAGE_2001")),
        ("empty.jpg", b"", (422, "STORAGE_2002")),
        ("cut.jpg", jpeg((640, 480))[:900], (422, "STORAGE_2003")),
        ("moving.gif", animated_gif(), (415, "STORAGE_2001")),
        ("bomb.png", bomb(), (422, "STORAGE_2005")),
    ],
)
def test_upload__unusable__documented_code_and_nothing_kept(member, name, body, expected):
    answer = Api(member).post("/api/v1/uploads", files={"file": (name, body, "image/jpeg")})

    assert (answer.status_code, answer.json()["code"]) == expected
    assert not StoredFile.objects.exists()


def test_upload__announced_above_the_limit__refused(member, settings):
    settings.UPLOAD_MAX_BYTES = 1000

    answer = Api(member).post("/api/v1/uploads", files={"file": ("big.jpg", b"x" * 40_000, "image/jpeg")})

    assert (answer.status_code, answer.json()["code"]) == (413, "STORAGE_2006")
    assert not StoredFile.objects.exists()


def test_upload__turned_by_exif__upright_and_without_metadata(member):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright

    answer = Api(member).post("/api/v1/uploads", files={"file": ("p.jpg", jpeg((64, 48), exif=exif), "image/jpeg")})

    body = answer.json()
    assert (answer.status_code, body["width"], body["height"], body["mime"]) == (201, 48, 64, "image/jpeg")
    kept = Image.open(io.BytesIO(Api().get(body["url"]).content))
    assert (kept.size, dict(kept.getexif())) == ((48, 64), {})


def test_upload__nobody_or_no_file__refused(member):
    assert Api().post("/api/v1/uploads", files={"file": ("p.jpg", jpeg(), "image/jpeg")}).status_code == 401
    assert Api(member).post("/api/v1/uploads", files={"other": ("p.jpg", jpeg(), "image/jpeg")}).status_code == 400


def test_purge_work_dir__left_by_a_killed_worker__dropped_and_the_fresh_kept(settings, tmp_path):
    settings.WORK_DIR = tmp_path
    (tmp_path / "old-run").mkdir()
    (tmp_path / "old-run" / "photo.png").write_bytes(b"x")
    for name in ("old.png", "fresh.png"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("old-run", "old.png"):
        os.utime(tmp_path / name, (0, 0))

    assert storage.purge_work_dir() == 2
    assert [entry.name for entry in tmp_path.iterdir()] == ["fresh.png"]
