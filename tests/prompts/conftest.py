"""A model for saved cases, that answers as a test tells it."""

from typing import Any

import pytest

from apps.core.config import reader
from apps.core.errors import ApiError
from apps.prompts import asking
from apps.providers.gateway import Ask
from apps.providers.types import Answer, Usage
from tests.features.builders import make_model
from tests.prompts.builders import make_case, make_greeting


class Model:
    """Answers as it is told to, and remembers what it was asked."""

    def __init__(self, *answers: str | ApiError) -> None:
        self.answers = list(answers) or ["Hello {}"]
        self.asked: list[tuple[str, str, Any]] = []
        self.cost: int | None = None  # of each answer, in micro-credits

    async def __call__(self, request: Any, ask: Ask) -> Answer:
        question = request.messages[-1]["content"]
        self.asked.append((ask.model, question, request.options.get("temperature")))
        said = self.answers[(len(self.asked) - 1) % len(self.answers)]
        if isinstance(said, ApiError):
            raise said
        return Answer(
            text=said.format(question),
            model_used=ask.model,
            endpoint="mock",
            mock=True,
            usage=Usage(10, 5),
            cost_micro=self.cost,
        )


@pytest.fixture
def model(db, monkeypatch):
    """A model that repeats what it is asked; the prompt `greeting` has one case, which that passes."""
    make_model()
    reader.reset()
    told = Model()
    monkeypatch.setattr(asking, "chat", told)
    make_greeting()
    make_case()
    return told
