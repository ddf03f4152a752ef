"""Demo: cut a product out and set it on a clean background, without any network."""

from itertools import pairwise
from typing import Any


def tool(node_id: str, name: str, title: tuple[str, str], **inputs: Any) -> dict[str, Any]:
    """A node that calls one of the image tools."""
    return {
        "id": node_id,
        "type": "mcp_tool",
        "title": {"en": title[0], "zh-hans": title[1]},
        "config": {"server": "image-tools", "tool": name},
        "inputs": inputs,
    }


def chain(*nodes: dict[str, Any]) -> dict[str, Any]:
    """A graph whose nodes follow each other."""
    edges = [{"source": a["id"], "target": b["id"]} for a, b in pairwise(nodes)]
    return {"nodes": list(nodes), "edges": edges}


START = {"id": "start", "type": "start", "title": {"en": "Form", "zh-hans": "表单"}}
END = {"id": "end", "type": "end", "title": {"en": "Result", "zh-hans": "结果"}}

GRAPH = chain(
    START,
    tool("cut", "cut_out", ("Cut out the product", "抠出商品"), image="{{ start.image }}"),
    tool(
        "fit",
        "resize",
        ("Scale to size", "缩放尺寸"),
        image="{{ cut.image }}",
        width="{{ start.size }}",
        height="{{ start.size }}",
    ),
    tool(
        "canvas",
        "pad",
        ("Place on the canvas", "放入画布"),
        image="{{ fit.image }}",
        width="{{ start.size }}",
        height="{{ start.size }}",
    ),
    tool("shadow", "soft_shadow", ("Add a soft shadow", "添加柔和阴影"), image="{{ canvas.image }}"),
    tool(
        "background",
        "white_background",
        ("Lay the background", "铺设背景"),
        image="{{ shadow.image }}",
        color="{{ start.background }}",
    ),
    tool(
        "export",
        "convert",
        ("Export", "导出"),
        image="{{ background.image }}",
        format="{{ start.format }}",
    ),
    {**END, "inputs": {"image": "{{ export.image }}"}},
)

IMAGE_FIELD = {
    "type": "string",
    "format": "file",
    "contentMediaType": "image/*",
    "title": "Product photo",
    "description": "JPEG, PNG or WebP, up to 20 MB. The product should stand out from its surroundings.",
    "x-i18n": {
        "zh-hans": {
            "title": "商品照片",
            "description": "JPEG、PNG 或 WebP，不超过 20 MB。商品应与周围环境有明显区别。",
        }
    },
}
BACKGROUND_FIELD = {
    "type": "string",
    "format": "color",
    "pattern": "^#[0-9a-fA-F]{6}$",
    "title": "Background colour",
    "default": "#ffffff",
    "x-i18n": {"zh-hans": {"title": "背景颜色"}},
}

FORM = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["image"],
    "additionalProperties": False,
    "properties": {
        "image": IMAGE_FIELD,
        "background": BACKGROUND_FIELD,
        "size": {
            "type": "integer",
            "title": "Size (pixels, square)",
            "minimum": 64,
            "maximum": 4000,
            "default": 1500,
            "x-i18n": {"zh-hans": {"title": "尺寸（像素，正方形）"}},
        },
        "format": {
            "type": "string",
            "title": "File format",
            "default": "webp",
            "oneOf": [
                {"const": "webp", "title": "WebP"},
                {"const": "png", "title": "PNG"},
                {"const": "jpeg", "title": "JPEG"},
            ],
            "x-i18n": {"zh-hans": {"title": "文件格式"}},
        },
    },
}
SWATCHES = ["#ffffff", "#f5f5f4", "#e7e5e4", "#fde68a", "#bfdbfe", "#bbf7d0", "#fecdd3", "#111827"]
FORM_UI = {
    "ui:order": ["image", "background", "size", "format"],
    "image": {"ui:widget": "file"},
    "background": {"ui:widget": "color", "ui:options": {"swatches": SWATCHES}},
    "format": {"ui:widget": "radio"},
}
OUTPUT = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {
            "type": "string",
            "format": "file",
            "contentMediaType": "image/*",
            "title": "Finished photo",
            "x-i18n": {"zh-hans": {"title": "成品照片"}},
        }
    },
}
OUTPUT_UI = {"image": {"ui:widget": "before-after", "ui:options": {"before": "image"}}}

PIPELINE = {"key": "product-photo", "name": "Product photo", "graph": GRAPH}
FEATURE = {
    "key": "product-photo",
    "title": "Product photo",
    "title_zh": "商品图",
    "description": "Cut the product out, put it on a clean background with a soft shadow, at the exact size you need.",
    "description_zh": "抠出商品，换上干净的背景和柔和的阴影，输出精确尺寸。",
    "icon": "image",
    "order": 10,
    "cost": 10,
    "form_schema": FORM,
    "ui_schema": FORM_UI,
    "output_schema": OUTPUT,
    "output_ui": OUTPUT_UI,
}
