"""What to do when no route of the wanted model answers: the policy that a feature's release carries."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from apps.core.errors import ApiError
from apps.providers.errors import EndpointSaturated, NoRoute, UpstreamBusy
from apps.providers.types import ChatRequest

Reason = Literal["unavailable", "rate_limited"]
Language = Literal["en", "zh-hans"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
ModelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class DegradePolicy(BaseModel):
    """When to step in, which model answers instead, how much shorter, and what people are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: list[Reason] = Field(default=["unavailable", "rate_limited"], min_length=1)
    fallback_model: ModelName
    max_tokens_factor: float = Field(default=1.0, gt=0, le=1)
    notice: dict[Language, Words] = Field(default_factory=dict)

    def covers(self, failures: Sequence[ApiError]) -> bool:
        """Whether the policy steps in: every failure is one it names, and none would stay with another model."""
        return bool(failures) and all(_reason(failure) in self.on for failure in failures)

    def lowered(self, request: ChatRequest) -> ChatRequest:
        """The request with its limit of tokens lowered; one without a limit stays as it is."""
        if request.max_tokens is None:
            return request
        return request.limited_to(max(1, int(request.max_tokens * self.max_tokens_factor)))


def policy_of(raw: Mapping[str, Any]) -> DegradePolicy | None:
    """The policy of a release; None for an empty one. Raises pydantic's `ValidationError`, a `ValueError`."""
    return DegradePolicy.model_validate(dict(raw)) if raw else None


def _reason(failure: ApiError) -> Reason | None:
    """Why a route failed, as policies call it; None when the same request would be refused again."""
    if isinstance(failure, UpstreamBusy | EndpointSaturated):
        return "rate_limited"
    return "unavailable" if failure.retryable or isinstance(failure, NoRoute) else None
