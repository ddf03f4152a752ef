import pytest

from tests.tasks.trials.builders import Asks, register_asks


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Asks:
    """A node type that asks outside."""
    return register_asks(monkeypatch)
