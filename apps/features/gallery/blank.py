"""Where the wizard starts when nothing of the gallery fits: one field, one prompt, one answer. Not in the gallery."""

from typing import Final

from apps.features.gallery.building import (
    chain,
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

BLANK: Final = Template(
    key="new-feature",
    title=words(("New feature", "新功能")),
    description=words(("", "")),
    shows=words(("One field, one prompt, one answer of a model.", "一个字段、一个提示词、一次模型回答。")),
    icon="sparkles",
    menu=WRITING,
    cost=1,
    form=form(["text"], text=field(("Text", "文本"), minLength=1, maxLength=4000)),
    ui={"text": textarea(5, ("What is it about?", "想做什么？"))},
    output={"type": "object", "required": ["text"], "properties": {"text": markdown(("Answer", "回答"))}},
    prompts=(
        {
            "key": "new-feature",
            "name": "New feature",
            "system": "Answer in the language of the text, shortly and in Markdown.",
            "body": "{{ text }}",
            "variables": [variable("text", "What the user wrote")],
        },
    ),
    graph=graph(
        [
            start(),
            node("ask", "prompt", ("Prompt", "提示词"), config={"prompt": "new-feature"}, text="{{ start.text }}"),
            node(
                "answer",
                "llm_chat",
                ("Answer", "回答"),
                config={"capability": "chat", "max_tokens": 800},
                system="{{ ask.system }}",
                text="{{ ask.text }}",
            ),
            end(text="{{ answer.text }}"),
        ],
        chain("start", "ask", "answer", "end"),
    ),
    cases=(
        {
            "name": "A word",
            "input": {"text": "A mug"},
            "mocks": {"answer": {"text": "A mug.", "model": "mock", "mock": True, "degraded": False}},
            "checks": [{"type": "contains", "value": "mug"}],
        },
    ),
)
