"""Demo: a few lines of copy for a product, by whatever chat model is there."""

from apps.features.demo.product_photo import END, START, chain

PROMPT = {
    "key": "copywriter",
    "name": "Copywriter",
    "system": (
        "You write short, honest product copy for online shops. Answer in the language of the product's description, "
        "in Markdown: a headline of at most eight words, two sentences, and three short selling points as a list. "
        "Claim nothing that was not said."
    ),
    "body": "Product: {{ product }}\nTone: {{ tone }}",
    "variables": [
        {
            "name": "product",
            "type": "string",
            "required": True,
            "description": "What it is, in the user's words",
        },
        {"name": "tone", "type": "string", "required": True, "default": "friendly"},
    ],
}

GRAPH = chain(
    START,
    {
        "id": "brief",
        "type": "prompt",
        "title": {"en": "Write the brief", "zh-hans": "撰写提示词"},
        "config": {"prompt": "copywriter"},
        "inputs": {"product": "{{ start.product }}", "tone": "{{ start.tone }}"},
    },
    {
        "id": "copy",
        "type": "llm_chat",
        "title": {"en": "Write the copy", "zh-hans": "撰写文案"},
        "config": {"capability": "chat", "temperature": 0.7, "max_tokens": 600},
        "inputs": {"system": "{{ brief.system }}", "text": "{{ brief.text }}"},
    },
    {**END, "inputs": {"text": "{{ copy.text }}"}},
)

PIPELINE = {"key": "copywriter", "name": "Copywriter", "graph": GRAPH}
FEATURE = {
    "key": "copywriter",
    "title": "Copywriter",
    "title_zh": "文案助手",
    "description": "Say what your product is and get a headline, two sentences and three selling points.",
    "description_zh": "描述你的商品，得到标题、两句介绍和三个卖点。",
    "icon": "pen",
    "order": 10,
    "cost": 2,
    "form_schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["product"],
        "additionalProperties": False,
        "properties": {
            "product": {
                "type": "string",
                "title": "Your product",
                "minLength": 3,
                "maxLength": 2000,
                "x-i18n": {"zh-hans": {"title": "你的商品"}},
            },
            "tone": {
                "type": "string",
                "title": "Tone",
                "default": "friendly",
                "oneOf": [
                    {"const": "friendly", "title": "Friendly", "x-i18n": {"zh-hans": {"title": "亲切"}}},
                    {"const": "factual", "title": "Factual", "x-i18n": {"zh-hans": {"title": "客观"}}},
                    {"const": "luxurious", "title": "Luxurious", "x-i18n": {"zh-hans": {"title": "奢华"}}},
                    {"const": "playful", "title": "Playful", "x-i18n": {"zh-hans": {"title": "俏皮"}}},
                ],
                "x-i18n": {"zh-hans": {"title": "语气"}},
            },
        },
    },
    "ui_schema": {
        "ui:order": ["product", "tone"],
        "product": {
            "ui:widget": "textarea",
            "ui:placeholder": "A hand-thrown coffee mug, 300 ml, blue glaze",
            "ui:options": {"rows": 5},
            "x-i18n": {"zh-hans": {"ui:placeholder": "手工拉坯咖啡杯，300 毫升，蓝釉"}},
        },
        "tone": {"ui:widget": "radio"},
    },
    "output_schema": {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {
                "type": "string",
                "contentMediaType": "text/markdown",
                "title": "Copy",
                "x-i18n": {"zh-hans": {"title": "文案"}},
            }
        },
    },
    "output_ui": {},
}
