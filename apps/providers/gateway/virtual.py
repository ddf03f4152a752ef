"""Models that no endpoint offers: apps above answer under them. Their names have a prefix, as in `feature:<key>`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from apps.core.lane.identity import Principal
from apps.providers.types import Item


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One entry of a list of models; `created` in Unix seconds."""

    id: str
    created: int
    owned_by: str


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened on the way to an answer, as an object of JSON; clients may ignore it."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VirtualAnswer:
    """An answer that has begun: its pieces end with `Finish` and `Usage`.

    `headers` go with it, and `about` with an answer that is given whole. Closing `items` early means that the caller
    hung up.
    """

    model: str
    items: AsyncGenerator[Item | Told, None]
    headers: Mapping[str, str]
    about: Mapping[str, Any]


class VirtualModels(Protocol):
    """Models under one prefix. What the principal's key may not use is neither listed nor answered."""

    prefix: str

    async def cards(self, principal: Principal) -> Sequence[ModelCard]:
        """What the principal may ask for, in a stable order. Not each name that is answered need be among them."""

    async def card(self, model: str, principal: Principal) -> ModelCard | None:
        """The entry of `model`, listed or not; None unless `ask` would answer it."""

    async def ask(
        self, model: str, body: Mapping[str, Any], principal: Principal, headers: Mapping[str, str]
    ) -> VirtualAnswer:
        """Answer a Chat Completions body that came with `headers`, names in lower case.

        Raises `ApiError`, `NoRoute` for a name there is not.
        """


_registered: dict[str, VirtualModels] = {}


def register(models: VirtualModels) -> None:
    """Add models; apps do this in `AppConfig.ready()`."""
    _registered[models.prefix] = models


def registered() -> list[VirtualModels]:
    """Everything that was registered."""
    return list(_registered.values())


def answering(model: str) -> VirtualModels | None:
    """Who answers under `model`; None where an endpoint has to."""
    prefix, colon, _rest = model.partition(":")
    return _registered.get(prefix) if colon else None
