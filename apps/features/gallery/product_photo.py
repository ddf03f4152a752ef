"""A product photo: one picture through the image tools, without any model."""

from apps.features.gallery.building import chain, choice, end, field, form, graph, node, picture, start, words
from apps.features.gallery.headings import IMAGES
from apps.features.gallery.template import Template

SIZE = "{{ start.size }}"

TEMPLATE = Template(
    key="clean-photo",
    title=words(("Clean product photo", "干净的商品图")),
    description=words(
        (
            "Cuts the product out of a photo and sets it on a clean background, with a soft shadow.",
            "从照片中抠出商品，放到干净的背景上，并加上柔和的阴影。",
        )
    ),
    shows=words(("A line of image tools; nothing leaves your server.", "一串图片工具；图片不会离开你的服务器。")),
    icon="camera",
    menu=IMAGES,
    cost=3,
    form=form(
        ["image"],
        image=picture(("Photo", "照片")),
        background=field(
            ("Background", "背景"), pattern="^#[0-9a-fA-F]{6}$", default="#ffffff", minLength=7, maxLength=7
        ),
        size=field(("Edge in pixels", "边长（像素）"), "integer", minimum=200, maximum=3000, default=1500),
        format=choice(("Format", "格式"), "jpeg", jpeg=("JPEG", "JPEG"), png=("PNG", "PNG"), webp=("WebP", "WebP")),
    ),
    ui={"ui:order": ["image", "background", "size", "format"], "background": {"ui:widget": "color"}},
    output={
        "type": "object",
        "required": ["image"],
        "properties": {"image": picture(("Photo", "照片"))},
    },
    graph=graph(
        [
            start(),
            node("cut", "image", ("Cut out", "抠图"), config={"operation": "cut_out"}, image="{{ start.image }}"),
            node(
                "fit",
                "image",
                ("Scale", "缩放"),
                config={"operation": "resize"},
                image="{{ cut.image }}",
                width=SIZE,
                height=SIZE,
            ),
            node(
                "canvas",
                "image",
                ("Place on the canvas", "放入画布"),
                config={"operation": "pad"},
                image="{{ fit.image }}",
                width=SIZE,
                height=SIZE,
            ),
            node(
                "shadow",
                "image",
                ("Soft shadow", "柔和阴影"),
                config={"operation": "soft_shadow"},
                image="{{ canvas.image }}",
            ),
            node(
                "background",
                "image",
                ("Background", "背景"),
                config={"operation": "white_background"},
                image="{{ shadow.image }}",
                color="{{ start.background }}",
            ),
            node(
                "export",
                "image",
                ("Export", "导出"),
                config={"operation": "convert"},
                image="{{ background.image }}",
                format="{{ start.format }}",
            ),
            end(image="{{ export.image }}"),
        ],
        chain("start", "cut", "fit", "canvas", "shadow", "background", "export", "end"),
    ),
    cases=(
        {
            "name": "White, square",
            "input": {"image": "sample", "background": "#ffffff", "size": 1500, "format": "jpeg"},
            "mocks": {
                "cut": {"image": "cut", "coverage": 0.4, "method": "mock"},
                **{step: {"image": step} for step in ("fit", "canvas", "shadow", "background", "export")},
            },
            "checks": [{"type": "contains", "value": "export"}],
        },
    ),
)
