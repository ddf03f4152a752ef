"""What the tools take and give, as the client reads it in their JSON schemas."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

IMAGE_SCHEMA: dict[str, Any] = {"format": "uri", "contentMediaType": "image/*"}
LARGEST_SIDE = 8000
COLOUR_PATTERN = "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"

ImageUri = Annotated[
    str,
    Field(description="The picture: a file:// address in the server's folder.", json_schema_extra=IMAGE_SCHEMA),
]
Width = Annotated[int, Field(ge=16, le=LARGEST_SIDE, description="Width of the canvas in pixels.")]
Height = Annotated[int, Field(ge=16, le=LARGEST_SIDE, description="Height of the canvas in pixels.")]
Colour = Annotated[
    str,
    Field(
        pattern=COLOUR_PATTERN,
        description="A colour as #rgb or #rrggbb.",
        json_schema_extra={"format": "color"},
    ),
]


class ImageFile(BaseModel):
    """A picture in the server's folder."""

    uri: str = Field(description="Where the picture is: a file:// address.", json_schema_extra=IMAGE_SCHEMA)
    mime: str = Field(description="Its media type, such as image/png.")
    width: int = Field(ge=1, description="Width in pixels.")
    height: int = Field(ge=1, description="Height in pixels.")


class ImageResult(BaseModel):
    """One new picture."""

    # Written out in place rather than as a $ref: readers of the schema look at image.uri directly.
    image: Annotated[ImageFile, WithJsonSchema(ImageFile.model_json_schema())]


class CutOutResult(ImageResult):
    """The product on transparency."""

    coverage: float = Field(ge=0, le=1, description="Share of the picture that is product.")
    method: str = Field(
        description="How the product was found: u2netp or grabcut.",
        json_schema_extra={"enum": ["u2netp", "grabcut"]},
    )
