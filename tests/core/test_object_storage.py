"""Files in an S3-compatible store, over its real wire format, against a small server of the test's own."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from apps.core.storage import links
from apps.core.storage import services as storage
from apps.core.storage.models import StoredFile
from config.settings.object_storage import s3_storage
from tests.conftest import Api

pytestmark = pytest.mark.django_db


class Bucket(BaseHTTPRequestHandler):
    """PUT, GET, HEAD and DELETE of objects by path."""

    objects: dict[str, bytes] = {}

    def do_PUT(self) -> None:
        self.objects[urlsplit(self.path).path] = _unchunked(self)
        self._answer(200)

    def do_GET(self) -> None:
        found = self.objects.get(urlsplit(self.path).path)
        self._answer(404 if found is None else 200, found or b"")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self.objects.pop(urlsplit(self.path).path, None)
        self._answer(204)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def _unchunked(request: BaseHTTPRequestHandler) -> bytes:
    """The body; boto3 sends it in signed chunks (`aws-chunked`) or plain."""
    raw = request.rfile.read(int(request.headers["Content-Length"]))
    if "aws-chunked" not in request.headers.get("Content-Encoding", ""):
        return raw
    body = b""
    while raw:
        size, _newline, rest = raw.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return body
        body, raw = body + rest[:length], rest[length + 2 :]
    return body


@pytest.fixture
def bucket(settings, monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    Bucket.objects = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    entry = s3_storage(bucket="pictures", endpoint_url=url, region="eu-test-1", link_seconds=600)
    settings.STORAGES = {**settings.STORAGES, "default": entry}
    yield url
    server.shutdown()
    server.server_close()


def test_keep__in_a_bucket__read_back_linked_and_dropped(bucket, member, tmp_path):
    source = tmp_path / "cup.png"
    source.write_bytes(b"picture bytes")

    stored = storage.keep(
        source, owner=member, purpose=StoredFile.Purpose.UPLOAD, name="cup.png", mime="image/png", width=1, height=1
    )

    assert list(Bucket.objects.values()) == [b"picture bytes"]
    copy = storage.local_copy(stored, tmp_path / "copy.png")
    assert copy.read_bytes() == b"picture bytes"
    link = urlsplit(links.mint(stored))
    assert f"{link.scheme}://{link.netloc}" == bucket
    assert parse_qs(link.query)["X-Amz-Expires"] == ["600"]
    assert "X-Amz-Signature" in parse_qs(link.query)
    StoredFile.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert storage.purge_expired() == 1
    assert Bucket.objects == {}


def test_storefront__pictures_in_a_bucket__its_policy_lets_them_show(bucket):
    policy = Api().get("/").headers["content-security-policy"]

    assert f"img-src 'self' blob: data: {bucket};" in policy
