"""Translate, then have a second look: a checked answer decides whether the translation is taken or mended."""

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
    way,
    words,
)
from apps.features.gallery.headings import WRITING
from apps.features.gallery.template import Template

REVIEW = {
    "type": "object",
    "additionalProperties": False,
    "required": ["good", "remarks"],
    "properties": {
        "good": {"type": "boolean", "description": "Whether nothing has to be changed"},
        "remarks": {"type": "string", "description": "What has to be changed, and why; empty when nothing has"},
    },
}
ANSWER = {"model": "mock", "mock": True, "degraded": False}

TEMPLATE = Template(
    key="translate-review",
    title=words(("Translate and review", "翻译并审校")),
    description=words(
        (
            "Translates a text, reads it again with fresh eyes, and mends what is not right.",
            "翻译一段文字，再重新审读，并修正不妥之处。",
        )
    ),
    shows=words(("A model checks a model; a condition decides.", "用模型检查模型，由条件决定走向。")),
    icon="chat",
    menu=WRITING,
    cost=5,
    form=form(
        ["text", "language"],
        text=field(("Text", "原文"), minLength=1, maxLength=8000),
        language=choice(
            ("Into", "译成"),
            "English",
            English=("English", "英语"),
            Chinese=("Chinese", "中文"),
            German=("German", "德语"),
            French=("French", "法语"),
            Japanese=("Japanese", "日语"),
            Spanish=("Spanish", "西班牙语"),
        ),
    ),
    ui={
        "ui:order": ["text", "language"],
        "text": textarea(8, ("Paste the text here", "在此粘贴原文")),
    },
    output={
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": markdown(("Translation", "译文")),
            "remarks": field(("What the review found", "审校意见")),
        },
    },
    prompts=(
        {
            "key": "translate",
            "name": "Translate",
            "system": (
                "You are a translator. Translate what you are given into {{ language }}, whole and without additions. "
                "Keep names, figures and the layout. Answer with the translation only."
            ),
            "body": "{{ text }}",
            "variables": [
                variable("text", "What is translated"),
                variable("language", "The language to translate into"),
            ],
        },
        {
            "key": "review-translation",
            "name": "Review a translation",
            "system": (
                "You review translations into {{ language }}. Look for what was left out, added, or is wrong, for "
                "figures and names that changed, and for what no native speaker would say."
            ),
            "body": "Original:\n{{ text }}\n\nTranslation:\n{{ translation }}",
            "variables": [
                variable("text", "The original"),
                variable("translation", "Its translation"),
                variable("language", "The language of the translation"),
            ],
        },
        {
            "key": "mend-translation",
            "name": "Mend a translation",
            "system": "You mend translations into {{ language }}. Answer with the whole mended translation only.",
            "body": "Original:\n{{ text }}\n\nTranslation:\n{{ translation }}\n\nRemarks:\n{{ remarks }}",
            "variables": [
                variable("text", "The original"),
                variable("translation", "Its translation"),
                variable("remarks", "What has to be changed"),
                variable("language", "The language of the translation"),
            ],
        },
    ),
    graph=graph(
        [
            start(),
            node(
                "ask",
                "prompt",
                ("Ask for a translation", "翻译提示词"),
                config={"prompt": "translate"},
                text="{{ start.text }}",
                language="{{ start.language }}",
            ),
            node(
                "translate",
                "llm_chat",
                ("Translate", "翻译"),
                config={"capability": "chat", "temperature": 0.2},
                system="{{ ask.system }}",
                text="{{ ask.text }}",
            ),
            node(
                "question",
                "prompt",
                ("Ask for a review", "审校提示词"),
                config={"prompt": "review-translation"},
                text="{{ start.text }}",
                translation="{{ translate.text }}",
                language="{{ start.language }}",
            ),
            node(
                "review",
                "llm_chat",
                ("Review", "审校"),
                config={"capability": "chat", "temperature": 0, "schema": REVIEW},
                system="{{ question.system }}",
                text="{{ question.text }}",
            ),
            node(
                "good",
                "condition",
                ("Is it right?", "是否合格？"),
                config={"expression": "good"},
                good="{{ review.json.good }}",
            ),
            node(
                "order",
                "prompt",
                ("Ask for a better one", "修订提示词"),
                config={"prompt": "mend-translation"},
                text="{{ start.text }}",
                translation="{{ translate.text }}",
                remarks="{{ review.json.remarks }}",
                language="{{ start.language }}",
            ),
            node(
                "mend",
                "llm_chat",
                ("Mend", "修订"),
                config={"capability": "chat", "temperature": 0.2},
                system="{{ order.system }}",
                text="{{ order.text }}",
            ),
            end(text="{{ mend.text | default: translate.text }}", remarks="{{ review.json.remarks }}"),
        ],
        [
            *chain("start", "ask", "translate", "question", "review", "good"),
            way("good", "true", "end"),
            way("good", "false", "order"),
            *chain("order", "mend", "end"),
        ],
    ),
    cases=(
        {
            "name": "Right at once",
            "input": {"text": "Die Lieferung kommt am 3. Mai.", "language": "English"},
            "mocks": {
                "translate": {"text": "The delivery arrives on 3 May.", **ANSWER},
                "review": {"text": "", "json": {"good": True, "remarks": ""}, **ANSWER},
            },
            "checks": [{"type": "contains", "value": "3 May"}],
        },
        {
            "name": "Mended",
            "input": {"text": "Die Lieferung kommt am 3. Mai.", "language": "English"},
            "mocks": {
                "translate": {"text": "The delivery came on 3 March.", **ANSWER},
                "review": {"text": "", "json": {"good": False, "remarks": "It is May, and it comes."}, **ANSWER},
                "mend": {"text": "The delivery arrives on 3 May.", **ANSWER},
            },
            "checks": [{"type": "contains", "value": "3 May"}, {"type": "not_contains", "value": "March"}],
        },
    ),
)
