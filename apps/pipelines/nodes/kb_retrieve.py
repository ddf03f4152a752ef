"""Look up: finds the passages of a knowledge base that fit a question best.

Where knowledge is kept registers with `apps.pipelines.retrieval`; until something does, the step fails and says so.

Costs: what the look-up tells of, such as the embedding of the question.
When it fails: no knowledge in this installation, a base that does not exist or may not be read: the step fails at
once; a service that is down is asked again as its error allows.
After a kill: a recorded answer is used; a question that was under way is asked again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from apps.pipelines import retrieval
from apps.pipelines.nodes.base import BaseNode, NodeConfig, NodeContext, NodeResult, Schema, closed
from apps.pipelines.nodes.errors import RetrievalUnfit
from apps.pipelines.nodes.values import check_weight, plain


class KbRetrieveConfig(NodeConfig):
    base: str = Field(min_length=1, max_length=64, title=gettext_noop("Knowledge base"))
    top_k: int = Field(default=5, ge=1, le=50, title=gettext_noop("Passages"), description=gettext_noop("At the most."))
    filters: dict[str, Any] = Field(
        default_factory=dict,
        title=gettext_noop("Filters"),
        description=gettext_noop("What a passage's metadata has to say."),
        json_schema_extra={"x-widget": "json"},
    )
    min_score: float = Field(
        default=0,
        ge=0,
        le=1,
        title=gettext_noop("Least score"),
        description=gettext_noop("Passages that fit less are left out."),
    )


class KbRetrieveNode(BaseNode):
    type = "kb_retrieve"
    label = _("Look up")
    help = _("Finds passages of a knowledge base.")
    category = "data"
    icon = "book"
    Config = KbRetrieveConfig
    effect = "read"
    default_timeout = 30.0
    retries = 2

    async def run(self, context: NodeContext) -> NodeResult:
        config: KbRetrieveConfig = context.config
        query = str(context.inputs["query"])

        async def do(_key: str) -> dict[str, Any]:
            found = await retrieval.retriever(config.base).retrieve(
                config.base, query, top_k=config.top_k, filters=config.filters, caller=context.caller
            )
            return {"contexts": _checked(found, config.base)}

        request = {"query": query, "top_k": config.top_k, "filters": config.filters}
        told = await context.outside.call("retrieve", config.base, request, do, repeatable=True)
        best = [one for one in plain(told["contexts"]) if one["score"] >= config.min_score][: config.top_k]
        return NodeResult({"contexts": best, "text": "\n\n".join(one["text"] for one in best)})

    def accepts(self, config: KbRetrieveConfig, parts: Mapping[str, Any]) -> Schema:
        return closed({"query": {"type": "string"}}, required=["query"])

    def produces(self, config: KbRetrieveConfig, parts: Mapping[str, Any]) -> Schema | None:
        text = {"type": "string"}
        passage = closed({"text": text, "score": {"type": "number"}, "source": text, "metadata": {"type": "object"}})
        return closed({"contexts": {"type": "array", "items": passage}, "text": text})


def _checked(found: Sequence[retrieval.Found], base: str) -> list[dict[str, Any]]:
    """The passages as JSON. Raises `RetrievalUnfit` for what no passage can be, `ValueTooLarge`."""
    told = [{"text": f.text, "score": f.score, "source": f.source, "metadata": plain(f.metadata)} for f in found]
    for one in told:
        if not isinstance(one["text"], str) or not math.isfinite(one["score"]):
            raise RetrievalUnfit(base=base)
    check_weight(told)
    return told


NODE = KbRetrieveNode()
