"""Demo: a draft to publish in the tour. A small square picture with hardly anything to choose."""

from apps.features.demo.product_photo import (
    BACKGROUND_FIELD,
    END,
    IMAGE_FIELD,
    OUTPUT,
    OUTPUT_UI,
    START,
    chain,
    tool,
)

SIZE = 400
GRAPH = chain(
    START,
    tool("cut", "cut_out", ("Cut out the product", "抠出商品"), image="{{ start.image }}"),
    tool(
        "fit",
        "resize",
        ("Scale to size", "缩放尺寸"),
        image="{{ cut.image }}",
        width=SIZE,
        height=SIZE,
        margin=4,
    ),
    tool("canvas", "pad", ("Place on the canvas", "放入画布"), image="{{ fit.image }}", width=SIZE, height=SIZE),
    tool(
        "background",
        "white_background",
        ("Lay the background", "铺设背景"),
        image="{{ canvas.image }}",
        color="{{ start.background }}",
    ),
    tool("export", "convert", ("Export", "导出"), image="{{ background.image }}", format="webp"),
    {**END, "inputs": {"image": "{{ export.image }}"}},
)

PIPELINE = {"key": "shop-thumbnail", "name": "Shop thumbnail", "graph": GRAPH}
FEATURE = {
    "key": "shop-thumbnail",
    "title": "Shop thumbnail",
    "title_zh": "店铺缩略图",
    "description": "A 400 pixel square of your product on a plain colour, ready for a list page.",
    "description_zh": "400 像素的正方形商品图，纯色背景，适合列表页。",
    "icon": "grid",
    "order": 20,
    "cost": 4,
    "form_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["image"],
        "additionalProperties": False,
        "properties": {"image": IMAGE_FIELD, "background": BACKGROUND_FIELD},
    },
    "ui_schema": {
        "ui:order": ["image", "background"],
        "image": {"ui:widget": "file"},
        "background": {"ui:widget": "color"},
    },
    "output_schema": OUTPUT,
    "output_ui": OUTPUT_UI,
}
