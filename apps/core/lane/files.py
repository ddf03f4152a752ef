"""`GET /files/{token}`: a stored file by its signed link, for the local storage policy."""

from django.core.files.storage import FileSystemStorage, storages
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from apps.core.errors import NotFound
from apps.core.lane.app import HotRoute
from apps.core.storage import links


async def read_file(request: Request) -> Response:
    """The bytes, as an attachment: an <img> shows it all the same, and nothing in it can run on this origin."""
    claim = links.read(request.path_params["token"])
    storage = storages["default"]
    if claim is None or not isinstance(storage, FileSystemStorage) or not storage.exists(claim["k"]):
        raise NotFound()
    return FileResponse(
        storage.path(claim["k"]),
        media_type=claim["m"],
        filename=claim["n"],
        headers={
            "Cache-Control": "private, max-age=600",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


ROUTE = HotRoute(
    "/files/{token}",
    read_file,
    access="public",
    operation={
        "operationId": "files_read",
        "summary": "A stored file by its signed, short-lived link",
        "tags": ["files"],
        "responses": {
            "200": {
                "description": "The file",
                "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    },
)
