"""The image tools as a client meets them: a real server process over real stdio."""

import io
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import numpy as np
import pytest
from mcp import Client, StdioServerParameters
from PIL import Image
from skimage import data

REPOSITORY = Path(__file__).resolve().parents[2]
OUTSIDE = "The address lies outside the server's folder."
NO_ADDRESS = "A picture is named by a file:// address in the server's folder."
BROKEN = "The picture is broken or incomplete. Upload it again."
NO_PICTURE = "The file is not a PNG, JPEG or WebP picture, or it is broken."
NOTHING_FOUND = (
    "No product could be found in this picture. Use a photo where the product stands out from its background."
)
DOES_NOT_FIT = "The picture is 600 x 400 pixels and does not fit on 100 x 100. Resize it first."
TOO_WIDE = "width: Input should be less than or equal to 8000"
NO_COLOUR = "color: String should match pattern '^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$'"
TOOLS = ["cut_out", "resize", "pad", "soft_shadow", "white_background", "convert"]


def with_client(root: Path, use: Callable[[Client], Awaitable[Any]], *options: str) -> Any:
    """What `use` answers, given a client of a server started on `root`."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "apps.mcp.image_tools", "--root", str(root), *options],
        cwd=str(REPOSITORY),
        env={"PATH": "/usr/bin:/bin"},
    )

    async def session() -> Any:
        async with Client(command) as client:
            return await use(client)

    return anyio.run(session)


def store(root: Path, pixels: np.ndarray, name: str = "photo.png") -> str:
    Image.fromarray(pixels).save(root / name)
    return (root / name).as_uri()


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(Path(unquote(urlsplit(uri).path)).read_bytes()))


def corners(image: Image.Image) -> set[Any]:
    right, bottom = image.width - 1, image.height - 1
    return {image.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))}


def test_list_tools__fresh_server__schemas_name_images_and_limits(tmp_path: Path) -> None:
    tools = with_client(tmp_path, lambda client: client.list_tools()).tools

    assert [tool.name for tool in tools] == TOOLS
    for tool in tools:
        given, taken = tool.input_schema["properties"]["image"], tool.output_schema["properties"]["image"]
        assert (given["type"], given["format"], given["contentMediaType"]) == ("string", "uri", "image/*")
        uri = taken["properties"]["uri"]
        assert (uri["type"], uri["format"], uri["contentMediaType"]) == ("string", "uri", "image/*")
        assert all("description" in field for field in tool.input_schema["properties"].values())
    width = tools[1].input_schema["properties"]["width"]
    assert (width["minimum"], width["maximum"]) == (16, 8000)
    assert tools[1].input_schema["required"] == ["image", "width", "height"]
    assert tools[5].input_schema["properties"]["format"]["enum"] == ["png", "jpeg", "webp"]


def test_import_server__fresh_process__loads_no_django_and_no_image_library() -> None:
    script = (
        "import sys, apps.mcp.image_tools.server;"
        "print([name for name in ('django', 'numpy', 'cv2', 'PIL', 'onnxruntime', 'rembg')"
        " if name in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, check=True)

    assert run.stdout.decode().strip() == "[]"


def test_chain__real_photo__ends_as_exact_white_square_and_reports_progress(tmp_path: Path) -> None:
    uri = store(tmp_path, data.coffee())
    size = {"width": 1500, "height": 1500}
    steps = [("cut_out", {}), ("resize", size), ("pad", size), ("soft_shadow", {}), ("white_background", {})]
    messages: list[str] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        messages.append(str(message))

    async def chain(client: Client) -> list[dict[str, Any]]:
        current, results = uri, []
        for name, arguments in [*steps, ("convert", {"format": "jpeg"})]:
            result = await client.call_tool(name, {"image": current, **arguments}, progress_callback=note)
            assert not result.is_error, result.content
            results.append(result.structured_content)
            current = results[-1]["image"]["uri"]
        results.append((await client.call_tool("convert", {"image": results[4]["image"]["uri"]})).structured_content)
        return results

    results = with_client(tmp_path, chain)

    cut, flat, jpeg, png = (opened(results[index]["image"]["uri"]) for index in (0, 4, 5, 6))
    assert (cut.mode, cut.size) == ("RGBA", (600, 400))
    assert results[0]["method"] in {"u2netp", "grabcut"}
    assert 0.3 < results[0]["coverage"] < 0.6
    assert (flat.mode, flat.size, corners(flat)) == ("RGB", (1500, 1500), {(255, 255, 255)})
    assert (jpeg.format, jpeg.size, corners(jpeg)) == ("JPEG", (1500, 1500), {(255, 255, 255)})
    assert (png.format, png.size, corners(png)) == ("PNG", (1500, 1500), {(255, 255, 255)})
    assert [results[5]["image"][key] for key in ("mime", "width", "height")] == ["image/jpeg", 1500, 1500]
    assert messages[:6] == [
        "Reading the photo", "Finding the product", "Refining edges", "Cleaning the rim", "Saving", "Done",
    ]  # fmt: skip
    assert (tmp_path / "photo.png").read_bytes(), "the input is left alone"


def test_call_tool__bad_requests__are_refused_in_readable_words(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    outside = store(tmp_path, data.coffee())
    (root / "link.png").symlink_to(tmp_path / "photo.png")
    (root / "broken.png").write_bytes((tmp_path / "photo.png").read_bytes()[:3000])
    (root / "text.jpg").write_text("not a picture")
    whole = store(root, data.coffee())
    flat = store(root, np.full((300, 300, 3), 200, np.uint8), "flat.png")
    clear = store(root, np.zeros((64, 64, 4), np.uint8), "clear.png")
    size = {"width": 100, "height": 100}
    base = root.as_uri()
    expected: list[tuple[str, dict[str, Any], str]] = [
        ("cut_out", {"image": outside}, OUTSIDE),
        ("cut_out", {"image": f"{base}/../photo.png"}, "The address is not a plain path."),
        ("cut_out", {"image": f"{base}/%2e%2e/photo.png"}, "The address is not a plain path."),
        ("cut_out", {"image": f"{base}/link.png"}, OUTSIDE),
        ("cut_out", {"image": base}, OUTSIDE),
        ("cut_out", {"image": "/etc/passwd"}, NO_ADDRESS),
        ("cut_out", {"image": "https://example.org/a.png"}, NO_ADDRESS),
        ("cut_out", {"image": f"{base}/no.png"}, "There is no picture at this address. It may have expired."),
        ("cut_out", {"image": f"{base}/broken.png"}, BROKEN),
        ("convert", {"image": f"{base}/text.jpg"}, NO_PICTURE),
        ("cut_out", {"image": flat}, NOTHING_FOUND),
        ("resize", {"image": clear, **size}, "The picture is empty: all of it is transparent."),
        ("pad", {"image": whole, **size}, DOES_NOT_FIT),
        ("resize", {"image": whole, "width": 9000, "height": 100}, TOO_WIDE),
        ("white_background", {"image": whole, "color": "red"}, NO_COLOUR),
    ]
    files = sorted(root.iterdir())

    async def ask(client: Client) -> list[tuple[bool, str]]:
        results = [await client.call_tool(name, arguments) for name, arguments, _ in expected]
        return [(result.is_error, result.content[0].text) for result in results]

    answers = with_client(root, ask)

    assert answers == [(True, text) for _, _, text in expected]
    assert sorted(root.iterdir()) == files


def test_call_tool__caller_gives_up__session_stays_usable(tmp_path: Path) -> None:
    uri = store(tmp_path, data.coffee())

    async def give_up(client: Client) -> tuple[bool, bool]:
        with anyio.move_on_after(0.05) as scope:
            await client.call_tool("cut_out", {"image": uri})
        result = await client.call_tool("convert", {"image": uri, "format": "webp"})
        return scope.cancelled_caught, result.is_error

    assert with_client(tmp_path, give_up) == (True, False)


def test_call_tool__picture_past_the_memory__is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    large = store(tmp_path, np.full((7000, 7000, 3), 90, np.uint8), "large.png")
    small = store(tmp_path, data.coffee())

    async def ask(client: Client) -> list[tuple[bool, str]]:
        results = [await client.call_tool("soft_shadow", {"image": uri}) for uri in (large, small)]
        return [(result.is_error, result.content[0].text) for result in results]

    refused, served = with_client(tmp_path, ask, "--memory", "1000")

    assert refused == (True, "The picture needs more memory than this server has. Use a smaller one.")
    assert served[0] is False


@pytest.mark.parametrize("orientation", [1, 6])
def test_convert__photo_with_metadata__result_is_upright_without_any(tmp_path: Path, orientation: int) -> None:
    from apps.mcp.image_tools import pictures

    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "maker"
    buffer = io.BytesIO()
    Image.fromarray(data.coffee()).save(buffer, "JPEG", exif=exif)

    pixels = pictures.decode(buffer.getvalue())
    image = Image.open(io.BytesIO(pictures.encode_final(pixels, "jpeg", 90)))

    assert image.size == ((600, 400) if orientation == 1 else (400, 600))
    assert not image.getexif()
    assert "icc_profile" not in image.info
