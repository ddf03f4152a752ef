"""Product copy: one prompt, one answer of a model."""

from apps.features.gallery.building import (
    chain,
    choice,
    end,
    field,
    form,
    graph,
    markdown,
    node,
    start,
    textarea,
    variable,
    words,
)
from apps.features.gallery.headings import WRITING
from apps.features.gallery.template import Template

COPY = (
    "# A mug for slow mornings\n\nThrown by hand and glazed in blue. It holds 300 ml.\n\n"
    "- Thrown by hand\n- Blue glaze\n- 300 ml"
)

TEMPLATE = Template(
    key="product-copy",
    title=words(("Product copy", "商品文案")),
    description=words(
        (
            "Say what your product is and get a headline, two sentences and three selling points.",
            "描述你的商品，得到标题、两句介绍和三个卖点。",
        )
    ),
    shows=words(("The shortest way: form, prompt, model, result.", "最短的流程：表单、提示词、模型、结果。")),
    icon="pen",
    menu=WRITING,
    cost=2,
    form=form(
        ["product"],
        product=field(("Your product", "你的商品"), minLength=3, maxLength=2000),
        tone=choice(
            ("Tone", "语气"),
            "friendly",
            friendly=("Friendly", "亲切"),
            factual=("Factual", "客观"),
            luxurious=("Luxurious", "奢华"),
            playful=("Playful", "俏皮"),
        ),
    ),
    ui={
        "ui:order": ["product", "tone"],
        "product": textarea(5, ("A hand-thrown coffee mug, 300 ml, blue glaze", "手工拉坯咖啡杯，300 毫升，蓝釉")),
        "tone": {"ui:widget": "radio"},
    },
    output={
        "type": "object",
        "required": ["text"],
        "properties": {"text": markdown(("Copy", "文案"))},
    },
    prompts=(
        {
            "key": "product-copy",
            "name": "Product copy",
            "system": (
                "You write short, honest product copy for online shops. Answer in the language of the product's "
                "description, in Markdown: a headline of at most eight words, two sentences, and three short selling "
                "points as a list. Claim nothing that was not said."
            ),
            "body": "Product: {{ product }}\nTone: {{ tone }}",
            "variables": [
                variable("product", "What it is, in the user's words"),
                variable("tone", "How the text should sound", default="friendly"),
            ],
        },
    ),
    graph=graph(
        [
            start(),
            node(
                "brief",
                "prompt",
                ("Write the brief", "撰写提示词"),
                config={"prompt": "product-copy"},
                product="{{ start.product }}",
                tone="{{ start.tone }}",
            ),
            node(
                "copy",
                "llm_chat",
                ("Write the copy", "撰写文案"),
                config={"capability": "chat", "temperature": 0.7, "max_tokens": 600},
                system="{{ brief.system }}",
                text="{{ brief.text }}",
            ),
            end(text="{{ copy.text }}"),
        ],
        chain("start", "brief", "copy", "end"),
    ),
    cases=(
        {
            "name": "A mug",
            "input": {"product": "A hand-thrown coffee mug, 300 ml, blue glaze", "tone": "friendly"},
            "mocks": {"copy": {"text": COPY, "model": "mock", "mock": True, "degraded": False}},
            "checks": [{"type": "contains", "value": "300 ml"}, {"type": "max_length", "value": 1200}],
        },
        {
            "name": "一只杯子",
            "input": {"product": "手工拉坯咖啡杯，300 毫升，蓝釉", "tone": "factual"},
            "mocks": {
                "copy": {
                    "text": "# 慢时光的杯子\n\n手工拉坯，蓝釉。容量 300 毫升。\n\n- 手工\n- 蓝釉\n- 300 毫升",
                    "model": "mock",
                    "mock": True,
                    "degraded": False,
                }
            },
            "checks": [{"type": "contains", "value": "300 毫升"}, {"type": "not_contains", "value": "最好"}],
        },
    ),
)
