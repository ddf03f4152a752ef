"""Stored files: only their owner's, by links that lapse, as attachments that cannot run."""

import hashlib
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.storage import links
from apps.core.storage.models import StoredFile
from apps.core.storage.services import describe, get_for, local_copy, purge_expired
from tests.conftest import Api
from tests.core.builders import make_file


def test_keep__file__has_row_and_object(member, tmp_path):
    stored = make_file(member, tmp_path, content=b"pixels")

    assert (stored.size, stored.mime, stored.name) == (6, "image/png", "cup.png")
    assert local_copy(stored, tmp_path / "copy").read_bytes() == b"pixels"
    assert stored.sha256 == hashlib.sha256(b"pixels").hexdigest()


@pytest.mark.parametrize("file_id", ["", "x", "1", "../../etc/passwd", "0" * 32])
def test_get__malformed_or_unknown__is_not_found(member, file_id):
    with pytest.raises(NotFound):
        get_for(member, file_id)


def test_get__a_strangers_file__is_not_found(member, stranger, operator, tmp_path):
    stored = make_file(member, tmp_path)

    assert get_for(member, str(stored.pk)) == stored
    for other in (stranger, operator):
        with pytest.raises(NotFound):
            get_for(other, str(stored.pk))


def test_read_link__fresh__is_an_inert_attachment(member, tmp_path):
    url = describe(make_file(member, tmp_path, content=b"<script>alert(1)</script>"))["url"]

    answer = Api().get(url)

    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="cup.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_read_link__lapsed__is_not_found(member, tmp_path, settings):
    url = describe(make_file(member, tmp_path))["url"]
    settings.FILE_LINK_SECONDS = -1

    answer = Api().get(url)

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2003")


@pytest.mark.parametrize("spoil", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "x" + t, lambda t: "x"])
def test_read_link__forged__is_not_found(member, tmp_path, spoil):
    token = describe(make_file(member, tmp_path))["url"].removeprefix("/files/")

    assert links.read(spoil(token)) is None
    assert Api().get(f"/files/{spoil(token)}").status_code == 404


@pytest.mark.parametrize("path", ["/files/", "/files/..%2f..%2fetc%2fpasswd", "/files/%00", "/files/a/b"])
def test_read_link__no_token__is_not_found(db, path):
    answer = Api().get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "CORE_2003")


def test_read_link__object_dropped__is_not_found(member, tmp_path):
    stored = make_file(member, tmp_path)
    url = describe(stored)["url"]
    storages["default"].delete(stored.storage_key)

    assert Api().get(url).status_code == 404


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.png"),
        ("a\r\nSet-Cookie: x=1.png", "a__Set-Cookie_ x_1.png"),
        ("\x00\x1b[2J.png", "___2J.png"),
        ("..", "file.png"),
        ("", "file.png"),
        (".htaccess", "htaccess.png"),
        ("shell.php", "shell.png"),
        ("商品 图.jpg", "商品 图.png"),
        ("x" * 300 + ".png", "x" * 100 + ".png"),
        ('quo"te<b>.png', "quo_te_b_.png"),
    ],
)
def test_keep__hostile_name__becomes_harmless(member, tmp_path, given, kept):
    stored = make_file(member, tmp_path, name=given)

    answer = Api().get(describe(stored)["url"])

    assert stored.name == kept
    assert stored.storage_key.startswith("result/")
    assert ".." not in stored.storage_key
    assert "\n" not in answer.headers["content-disposition"]


def test_purge__past_their_time__drops_row_and_object(member, tmp_path):
    stays = make_file(member, tmp_path)
    lapsed = make_file(member, tmp_path, purpose="stage")
    later = timezone.now() + timedelta(days=7, minutes=1)

    assert purge_expired() == 0
    assert purge_expired(now=later) == 1

    assert list(StoredFile.objects.all()) == [stays]
    storage = storages["default"]
    assert (storage.exists(lapsed.storage_key), storage.exists(stays.storage_key)) == (False, True)


def test_purge__object_gone_already__drops_the_row(member, tmp_path):
    stored = make_file(member, tmp_path, purpose="stage")
    storages["default"].delete(stored.storage_key)

    assert purge_expired(now=timezone.now() + timedelta(days=8)) == 1
    assert StoredFile.objects.count() == 0


def test_upload__anonymous__keeps_nothing(db):
    answer = Api().post("/api/v1/uploads", files={"file": ("a.png", b"x", "image/png")})

    assert (answer.status_code, StoredFile.objects.count()) == (401, 0)


def test_upload__no_file__names_the_field(member):
    answer = Api(member).post("/api/v1/uploads", files={"other": ("a.png", b"x", "image/png")})

    assert (answer.status_code, answer.json()["details"]["errors"][0]["pointer"]) == (400, "/file")


def test_upload__text_named_jpg__is_refused_and_keeps_nothing(member):
    answer = Api(member).post("/api/v1/uploads", files={"file": ("a.jpg", b"hello there", "image/jpeg")})

    assert (answer.status_code, answer.json()["code"], StoredFile.objects.count()) == (415, "STORAGE_2001", 0)
