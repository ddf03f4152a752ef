"""The tools as a client sees them: names, schemas, words. The work is in `actions`.

`actions` is imported inside the worker thread of the first call: it brings the image libraries, and
listing the tools must not wait for them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from pydantic import Field

from apps.mcp.image_tools.jobs import Jobs, Report
from apps.mcp.image_tools.schemas import Colour, CutOutResult, Height, ImageResult, ImageUri, Width
from apps.mcp.image_tools.workspace import Workspace

Call = Context[Any, Any]
Margin = Annotated[float, Field(ge=0, le=45, description="Free space on each side, per cent of the canvas.")]
Upscale = Annotated[bool, Field(description="Whether a small product may be enlarged.")]
Gravity = Annotated[Literal["center", "bottom"], Field(description="In the middle, or standing near the lower edge.")]
Ground = Annotated[Colour | None, Field(description="Colour of the canvas, #rgb or #rrggbb; none: transparent.")]
Below = Annotated[
    float,
    Field(ge=0, le=45, description="With gravity bottom: space under the product, per cent of the height."),
]
Strength = Annotated[float, Field(ge=0, le=1, description="Darkness of the shadow, 0 to 1.")]
Blur = Annotated[float, Field(ge=0.1, le=20, description="Softness, per cent of the canvas's short side.")]
Offset = Annotated[float, Field(ge=0, le=20, description="Distance below the product, per cent of the canvas.")]
Kind = Annotated[
    Literal["contact", "drop"],
    Field(description="contact: on the ground it stands on; drop: on a wall or table behind it."),
]
Format = Annotated[Literal["png", "jpeg", "webp"], Field(description="The file format.")]
Quality = Annotated[int, Field(ge=1, le=100, description="For jpeg and webp: 1 smallest, 100 best.")]


class ImageTools:
    """Six steps from a photo to a shop picture. Each leaves its input alone and writes a new file."""

    def __init__(self, folder: Workspace, jobs: Jobs) -> None:
        self._folder = folder
        self._jobs = jobs

    async def cut_out(self, image: ImageUri, ctx: Call) -> CutOutResult:
        """Cut the product out of a photo. Answers with a PNG of the same size on transparency."""

        def work(report: Report) -> CutOutResult:
            from apps.mcp.image_tools import actions

            return actions.cut_out(self._folder, report, image)

        return await self._jobs.run(ctx, work)

    async def resize(
        self,
        image: ImageUri,
        *,
        width: Width,
        height: Height,
        ctx: Call,
        margin: Margin = 8,
        upscale: Upscale = True,
    ) -> ImageResult:
        """Trim the transparent surround and scale the product once, to fit a canvas less its margin."""

        def work(report: Report) -> ImageResult:
            from apps.mcp.image_tools import actions

            return actions.resize(
                self._folder, report, image, width=width, height=height, margin=margin, upscale=upscale
            )

        return await self._jobs.run(ctx, work)

    async def pad(
        self,
        image: ImageUri,
        *,
        width: Width,
        height: Height,
        ctx: Call,
        gravity: Gravity = "center",
        margin: Below = 8,
        color: Ground = None,
    ) -> ImageResult:
        """Place the picture, pixel for pixel, on a canvas of exactly this size."""

        def work(report: Report) -> ImageResult:
            from apps.mcp.image_tools import actions

            return actions.pad(
                self._folder,
                report,
                image,
                width=width,
                height=height,
                gravity=gravity,
                margin=margin,
                color=color,
            )

        return await self._jobs.run(ctx, work)

    async def soft_shadow(
        self,
        image: ImageUri,
        *,
        ctx: Call,
        strength: Strength = 0.35,
        blur: Blur = 2.0,
        offset: Offset = 1.0,
        kind: Kind = "contact",
    ) -> ImageResult:
        """Lay a soft shadow under the product. The product's own pixels do not change."""

        def work(report: Report) -> ImageResult:
            from apps.mcp.image_tools import actions

            return actions.soft_shadow(
                self._folder, report, image, strength=strength, blur=blur, offset=offset, kind=kind
            )

        return await self._jobs.run(ctx, work)

    async def white_background(self, image: ImageUri, *, ctx: Call, color: Colour = "#ffffff") -> ImageResult:
        """Put the picture on one colour, white unless another is given. No transparency is left."""

        def work(report: Report) -> ImageResult:
            from apps.mcp.image_tools import actions

            return actions.white_background(self._folder, report, image, color=color)

        return await self._jobs.run(ctx, work)

    async def convert(
        self, image: ImageUri, *, ctx: Call, format: Format = "png", quality: Quality = 90
    ) -> ImageResult:
        """Write the final file: sRGB, no metadata. As JPEG, transparency becomes white."""

        def work(report: Report) -> ImageResult:
            from apps.mcp.image_tools import actions

            return actions.convert(self._folder, report, image, kind=format, quality=quality)

        return await self._jobs.run(ctx, work)
