"""A picture and its words: scaled for the web, described by a model that sees."""

from apps.features.gallery.building import chain, choice, end, field, form, graph, node, picture, start, variable, words
from apps.features.gallery.headings import IMAGES
from apps.features.gallery.template import Template

CAPTION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["alt", "caption"],
    "properties": {
        "alt": {"type": "string", "maxLength": 200, "description": "What is to be seen, for who cannot see it"},
        "caption": {"type": "string", "maxLength": 400, "description": "What is said under the picture"},
        "tags": {"type": "array", "maxItems": 8, "items": {"type": "string"}},
    },
}

TEMPLATE = Template(
    key="image-caption",
    title=words(("Picture with a caption", "图片配文")),
    description=words(
        (
            "Scales a picture for the web and writes its alternative text and a caption.",
            "把图片缩放到适合网页的大小，并写出替代文字和说明。",
        )
    ),
    shows=words(
        ("Two branches at once: a picture tool and a model that sees.", "两个分支同时进行：图片工具与能看图的模型。")
    ),
    icon="image",
    menu=IMAGES,
    cost=4,
    form=form(
        ["image"],
        image=picture(("Picture", "图片")),
        about=field(("What it is for", "用途"), maxLength=300, default=""),
        language=choice(("Language", "语言"), "English", English=("English", "英语"), Chinese=("Chinese", "中文")),
    ),
    ui={"ui:order": ["image", "about", "language"]},
    output={
        "type": "object",
        "required": ["image", "alt", "caption"],
        "properties": {
            "image": picture(("Picture", "图片")),
            "alt": field(("Alternative text", "替代文字")),
            "caption": field(("Caption", "说明")),
        },
    },
    prompts=(
        {
            "key": "caption",
            "name": "Describe a picture",
            "system": (
                "You write alternative texts and captions in {{ language }}. Describe only what is to be seen; "
                "guess no names, brands or places."
            ),
            "body": "Describe this picture. It is for: {{ about }}",
            "variables": [
                variable("language", "The language of the answer"),
                {"name": "about", "type": "string", "required": False, "default": "", "description": "Its purpose"},
            ],
        },
    ),
    graph=graph(
        [
            start(),
            node(
                "small",
                "image",
                ("Scale for the web", "缩放"),
                config={"operation": "resize"},
                image="{{ start.image }}",
                width=1200,
                height=1200,
                margin=0,
                upscale=False,
            ),
            node(
                "export",
                "image",
                ("Save as WebP", "存为 WebP"),
                config={"operation": "convert"},
                image="{{ small.image }}",
                format="webp",
            ),
            node(
                "ask",
                "prompt",
                ("Write the question", "撰写提示词"),
                config={"prompt": "caption"},
                language="{{ start.language }}",
                about="{{ start.about }}",
            ),
            node(
                "look",
                "llm_chat",
                ("Look at it", "看图"),
                config={"capability": "vision", "temperature": 0.3, "schema": CAPTION},
                system="{{ ask.system }}",
                text="{{ ask.text }}",
                images=["{{ start.image }}"],
            ),
            end(image="{{ export.image }}", alt="{{ look.json.alt }}", caption="{{ look.json.caption }}"),
        ],
        [*chain("start", "small", "export", "end"), *chain("start", "ask", "look", "end")],
    ),
    cases=(
        {
            "name": "A mug on a table",
            "input": {"image": "sample", "about": "a shop", "language": "English"},
            "mocks": {
                "small": {"image": "small"},
                "export": {"image": "export"},
                "look": {
                    "text": "",
                    "json": {"alt": "A blue mug on a wooden table", "caption": "Blue glaze, 300 ml.", "tags": ["mug"]},
                    "model": "mock",
                    "mock": True,
                    "degraded": False,
                },
            },
            "checks": [{"type": "contains", "value": "A blue mug"}, {"type": "contains", "value": "300 ml"}],
        },
    ),
)
