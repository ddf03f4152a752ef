"""A summary with key points: one answer as JSON, put together by a template."""

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
from apps.features.gallery.headings import OFFICE
from apps.features.gallery.template import Template

SUMMARY = {
    "type": "object",
    "additionalProperties": False,
    "required": ["title", "summary", "points"],
    "properties": {
        "title": {"type": "string"},
        "summary": {"type": "string", "description": "Two to four sentences"},
        "points": {"type": "array", "maxItems": 10, "items": {"type": "string"}},
        "open": {"type": "array", "maxItems": 10, "items": {"type": "string"}, "description": "Questions left open"},
    },
}
SHEET = (
    "# {{ title }}\n\n{{ summary }}\n\n{% for point in points %}- {{ point }}\n{% endfor %}"
    "{% if open.size > 0 %}\n**?**\n\n{% for question in open %}- {{ question }}\n{% endfor %}{% endif %}"
)
ANSWER = {"text": "", "model": "mock", "mock": True, "degraded": False}
MINUTES = (
    "Minutes of 4 March. Present: Ana, Bo, Chen. The new shelf is ready by June. Bo orders the wood this week. "
    "The budget stays at 4,000. Who takes the photos was not decided."
)

TEMPLATE = Template(
    key="summarise",
    title=words(("Summarise a document", "文档摘要")),
    description=words(
        (
            "Turns a long text into a title, a short summary, key points and open questions.",
            "把长文变成标题、简短摘要、要点和待定问题。",
        )
    ),
    shows=words(("An answer as JSON with a schema, laid out by a template.", "用模式约束的 JSON 回答，再由模板排版。")),
    icon="document",
    menu=OFFICE,
    cost=4,
    form=form(
        ["text"],
        text=field(("Document", "文档"), minLength=20, maxLength=60000),
        length=choice(
            ("How much", "篇幅"),
            "short",
            short=("The gist", "只要大意"),
            medium=("With key points", "含要点"),
            long=("In detail", "详细"),
        ),
    ),
    ui={
        "ui:order": ["text", "length"],
        "text": textarea(12, ("Paste the document here", "在此粘贴文档")),
        "length": {"ui:widget": "radio"},
    },
    output={
        "type": "object",
        "required": ["text"],
        "properties": {"text": markdown(("Summary", "摘要"))},
    },
    prompts=(
        {
            "key": "summarise",
            "name": "Summarise a document",
            "system": (
                "You summarise documents in their own language. Say only what the document says, keep figures, names "
                "and dates exactly. What is left undecided goes under the open questions."
            ),
            "body": "Length: {{ length }}\n\nDocument:\n{{ text }}",
            "variables": [
                variable("text", "The document"),
                variable("length", "short, medium or long", default="short"),
            ],
        },
    ),
    graph=graph(
        [
            start(),
            node(
                "ask",
                "prompt",
                ("Write the question", "撰写提示词"),
                config={"prompt": "summarise"},
                text="{{ start.text }}",
                length="{{ start.length }}",
            ),
            node(
                "read",
                "llm_chat",
                ("Read and sum up", "阅读并归纳"),
                config={"capability": "chat", "temperature": 0.2, "schema": SUMMARY},
                system="{{ ask.system }}",
                text="{{ ask.text }}",
            ),
            node(
                "fields",
                "transform",
                ("Take the parts", "取出各部分"),
                config={
                    "language": "jmespath",
                    "expression": "{title: a.title, summary: a.summary, points: a.points, open: a.open || `[]`}",
                    "schema": {**SUMMARY, "required": ["title", "summary", "points", "open"]},
                },
                a="{{ read.json }}",
            ),
            node(
                "sheet",
                "transform",
                ("Lay it out", "排版"),
                config={"language": "liquid", "template": {"text": SHEET}},
                title="{{ fields.title }}",
                summary="{{ fields.summary }}",
                points="{{ fields.points }}",
                open="{{ fields.open }}",
            ),
            end(text="{{ sheet.text }}"),
        ],
        chain("start", "ask", "read", "fields", "sheet", "end"),
    ),
    cases=(
        {
            "name": "Minutes",
            "input": {"text": MINUTES, "length": "medium"},
            "mocks": {
                "read": {
                    **ANSWER,
                    "json": {
                        "title": "The new shelf",
                        "summary": "The shelf is ready by June, for 4,000.",
                        "points": ["Bo orders the wood this week", "The budget stays at 4,000"],
                        "open": ["Who takes the photos?"],
                    },
                }
            },
            "checks": [
                {"type": "contains", "value": "# The new shelf"},
                {"type": "contains", "value": "- The budget stays at 4,000"},
                {"type": "contains", "value": "- Who takes the photos?"},
            ],
        },
        {
            "name": "Nothing left open",
            "input": {"text": MINUTES, "length": "short"},
            "mocks": {"read": {**ANSWER, "json": {"title": "Shelf", "summary": "Ready by June.", "points": ["June"]}}},
            "checks": [{"type": "contains", "value": "- June"}, {"type": "not_contains", "value": "**?**"}],
        },
    ),
)
