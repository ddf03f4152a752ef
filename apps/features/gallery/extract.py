"""Fields out of a text: an answer that fits a schema, tidied by an expression, checked by a condition."""

from apps.features.gallery.building import chain, end, field, form, graph, node, start, textarea, variable, way, words
from apps.features.gallery.headings import OFFICE
from apps.features.gallery.template import Template

INVOICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["supplier", "number", "total", "currency", "lines"],
    "properties": {
        "supplier": {"type": "string"},
        "number": {"type": "string"},
        "date": {"type": "string", "description": "As YYYY-MM-DD, empty when there is none"},
        "total": {"type": "number"},
        "currency": {"type": "string", "description": "Three letters, such as EUR"},
        "lines": {
            "type": "array",
            "maxItems": 200,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["what", "amount"],
                "properties": {"what": {"type": "string"}, "amount": {"type": "number"}},
            },
        },
    },
}
INVOICE_TEXT = "Invoice 2024-17 of Alder & Co, 2 May 2024. Oak boards 120.00, Delivery 30.00. Total EUR 150.00"
ANSWER = {"text": "", "model": "mock", "mock": True, "degraded": False}
FOUND = {
    "supplier": "Alder & Co",
    "number": "2024-17",
    "date": "2024-05-02",
    "total": 150,
    "currency": "EUR",
    "lines": [{"what": "Oak boards", "amount": 120}, {"what": "Delivery", "amount": 30}],
}

TEMPLATE = Template(
    key="extract-invoice",
    title=words(("Invoice to fields", "发票提取")),
    description=words(
        (
            "Reads an invoice, gives its fields as data, and says when the lines do not add up to the total.",
            "读取发票，给出结构化字段，并在明细与总额不符时提醒。",
        )
    ),
    shows=words(
        ("A strict schema, JMESPath for sums, and a condition.", "严格的模式、用 JMESPath 求和，以及条件判断。")
    ),
    icon="grid",
    menu=OFFICE,
    cost=3,
    form=form(["text"], text=field(("Text of the invoice", "发票文字"), minLength=10, maxLength=20000)),
    ui={"text": textarea(10, ("Paste the invoice here", "在此粘贴发票文字"))},
    output={
        "type": "object",
        "required": ["invoice", "remark"],
        "properties": {
            "invoice": {**INVOICE, "title": "Invoice", "x-i18n": {"zh-hans": {"title": "发票"}}},
            "remark": field(("Remark", "提示")),
        },
    },
    prompts=(
        {
            "key": "extract-invoice",
            "name": "Read an invoice",
            "system": "You read invoices. Give what is written, guess nothing, and leave out what is not there.",
            "body": "{{ text }}",
            "variables": [variable("text", "The text of the invoice")],
        },
    ),
    graph=graph(
        [
            start(),
            node(
                "ask",
                "prompt",
                ("Write the question", "撰写提示词"),
                config={"prompt": "extract-invoice"},
                text="{{ start.text }}",
            ),
            node(
                "read",
                "llm_chat",
                ("Read it", "读取"),
                config={"capability": "chat", "temperature": 0, "schema": INVOICE},
                system="{{ ask.system }}",
                text="{{ ask.text }}",
            ),
            node(
                "sums",
                "transform",
                ("Add up", "求和"),
                config={
                    "language": "jmespath",
                    "expression": "{sum: sum(a.lines[].amount), total: a.total}",
                    "schema": {
                        "type": "object",
                        "required": ["sum", "total"],
                        "properties": {"sum": {"type": "number"}, "total": {"type": "number"}},
                    },
                },
                a="{{ read.json }}",
            ),
            node(
                "right",
                "condition",
                ("Do they add up?", "是否相符？"),
                config={"expression": "double(sum) - double(total) < 0.005 && double(total) - double(sum) < 0.005"},
                sum="{{ sums.sum }}",
                total="{{ sums.total }}",
            ),
            node(
                "warn",
                "transform",
                ("Say so", "给出提示"),
                config={
                    "language": "liquid",
                    "template": {"text": "The lines add up to {{ sum }}, the total says {{ total }}."},
                },
                sum="{{ sums.sum }}",
                total="{{ sums.total }}",
            ),
            end(invoice="{{ read.json }}", remark='{{ warn.text | default: "" }}'),
        ],
        [
            *chain("start", "ask", "read", "sums", "right"),
            way("right", "true", "end"),
            way("right", "false", "warn"),
            *chain("warn", "end"),
        ],
    ),
    cases=(
        {
            "name": "Adds up",
            "input": {"text": INVOICE_TEXT},
            "mocks": {"read": {**ANSWER, "json": FOUND}},
            "checks": [{"type": "contains", "value": "Alder & Co"}, {"type": "not_contains", "value": "add up"}],
        },
        {
            "name": "Does not add up",
            "input": {"text": INVOICE_TEXT},
            "mocks": {"read": {**ANSWER, "json": {**FOUND, "total": 160}}},
            "checks": [{"type": "contains", "value": "add up to 150"}],
        },
    ),
)
