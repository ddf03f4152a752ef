"""How long the image tools and the intake take: `python bench/image_tools.py [PHOTO ...]`.

Each photo goes through the whole chain over stdio at 1500 x 1500; the first is also taken enlarged to
12 megapixels. Without arguments the photos of scikit-image are used.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
SIDE = 1500
LARGE = (4000, 3000)
CHAIN: Sequence[tuple[str, dict[str, Any]]] = (
    ("cut_out", {}),
    ("resize", {"width": SIDE, "height": SIDE}),
    ("pad", {"width": SIDE, "height": SIDE}),
    ("soft_shadow", {}),
    ("white_background", {}),
    ("convert", {"format": "jpeg"}),
)


def main() -> None:
    photos = [Path(name) for name in sys.argv[1:]] or _default_photos()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        anyio.run(_measure_tools, root, _prepare(photos, root))
        _measure_intake(root)


def _default_photos() -> list[Path]:
    from skimage import data

    return [Path(data.data_dir) / name for name in ("coffee.png", "motorcycle_left.png", "chelsea.png")]


def _prepare(photos: list[Path], root: Path) -> list[Path]:
    """The photos at 1500 px on the long side, and the first one at 12 megapixels."""
    prepared = []
    for photo in photos:
        image = Image.open(photo).convert("RGB")
        factor = SIDE / max(image.size)
        target = root / f"{photo.stem}-{SIDE}.jpg"
        image.resize((round(image.width * factor), round(image.height * factor))).save(target, quality=92)
        prepared.append(target)
    large = root / f"{photos[0].stem}-12MP.jpg"
    Image.open(photos[0]).convert("RGB").resize(LARGE).save(large, quality=92)
    return [*prepared, large]


async def _measure_tools(root: Path, photos: list[Path]) -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "apps.mcp.image_tools", "--root", str(root)],
        cwd=str(REPOSITORY),
    )
    started = time.perf_counter()
    async with Client(command) as client:
        await client.list_tools()
        print(f"open and list: {time.perf_counter() - started:.2f} s")
        await client.call_tool("cut_out", {"image": photos[0].as_uri()})
        print(f"open to first picture: {time.perf_counter() - started:.2f} s")
        for photo in photos:
            await _run_chain(client, photo)
    peak = _children_peak()
    print(f"server: at most {peak:.0f} MB resident")


async def _run_chain(client: Client, photo: Path) -> None:
    current, times = photo.as_uri(), []
    for name, arguments in CHAIN:
        started = time.perf_counter()
        result = await client.call_tool(name, {"image": current, **arguments})
        times.append(time.perf_counter() - started)
        if result.is_error or result.structured_content is None:
            print(f"{photo.stem}: {name}: {result.content}")
            return
        current = result.structured_content["image"]["uri"]
    steps = ", ".join(f"{name} {took:.2f}" for (name, _), took in zip(CHAIN, times, strict=True))
    print(f"{photo.stem}: {sum(times):.2f} s ({steps})")


def _measure_intake(root: Path) -> None:
    from apps.core.storage.intake import IntakeLimits, normalise_upload

    started = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-B", "-c", "pass"], env={}, check=True)
    print(f"intake: bare interpreter {time.perf_counter() - started:.3f} s")
    base = Image.effect_noise((5760, 4320), 60).convert("RGB")
    samples = {"jpeg": base, "webp": base, "png": base.convert("RGBA")}
    samples["png"].putalpha(Image.linear_gradient("L").resize(base.size))
    for kind, image in samples.items():
        upload = root / f"upload.{kind}"
        image.save(upload, kind.upper(), **({"compress_level": 1} if kind == "png" else {"quality": 85}))
        started = time.perf_counter()
        limits = IntakeLimits(max_bytes=1_000_000_000, timeout_seconds=60, cpu_seconds=60)
        clean = normalise_upload(upload, out=root / "clean", limits=limits)
        took = time.perf_counter() - started
        print(f"intake: 25 MP {kind}: {took:.2f} s to {clean.width} x {clean.height} {clean.mime}")


def _children_peak() -> float:
    """The largest finished child's resident memory in megabytes."""
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    sys.path.insert(0, str(REPOSITORY))
    main()
