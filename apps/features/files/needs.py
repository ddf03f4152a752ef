"""What a feature needs of an installation and no file brings: capabilities, models, approved tools."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import ApiError
from apps.features.files.closure import nodes_of, pipelines_of
from apps.features.files.kinds import Document, Documents
from apps.mcp.models import Tool
from apps.pipelines.nodes import needs_of as needs_of_node
from apps.providers.catalogue import candidates

CHAT = "chat"  # what a model node asks for when it says nothing


@dataclass(frozen=True)
class Needs:
    """Names only: no address and no key of an installation. A tool's hash is None where the tool is not known."""

    capabilities: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    tools: dict[str, str | None] = field(default_factory=dict)

    def as_document(self) -> Document:
        """As `requires` of a feature's file."""
        return {
            "capabilities": sorted(self.capabilities),
            "models": sorted(self.models),
            "tools": dict(sorted(self.tools.items())),
        }


def needs_of(documents: Documents, feature: Document, hashes: dict[str, str]) -> Needs:
    """What the nodes of the feature's pipelines ask for; `hashes` are those of the approved tools."""
    named = [needs_of_node(node) for node in nodes_of(documents, pipelines_of(documents, [feature["pipeline"]]))]
    return Needs(
        frozenset().union(*(need.capabilities for need in named)),
        frozenset().union(*(need.models for need in named)),
        {address: hashes.get(address) for need in named for address in sorted(need.tools)},
    )


def declared(feature: Document) -> Needs:
    """What the file says that the feature needs."""
    told: Any = feature.get("requires") or {}
    return Needs(frozenset(told.get("capabilities", [])), frozenset(told.get("models", [])), told.get("tools", {}))


@dataclass(frozen=True)
class Lack:
    """One thing that this installation lacks: where in `requires`, a stable code, words."""

    code: str
    pointer: str
    message: str


def lacking(needs: Needs, usable: "Usable") -> Iterator[Lack]:
    """What of `needs` is missing here, or is something else here."""
    for name in sorted(needs.capabilities):
        if not usable.capability(name):
            words = _("No model here offers “%(name)s”.") % {"name": name}
            yield Lack("E_CAPABILITY_MISSING", "/requires/capabilities", words)
    for name in sorted(needs.models):
        if not usable.model(name, needs.capabilities):
            words = _("The model “%(name)s” is not offered here.") % {"name": name}
            yield Lack("E_MODEL_MISSING", "/requires/models", words)
    for address, sha256 in sorted(needs.tools.items()):
        yield from _tool(address, sha256, usable)


def _tool(address: str, sha256: str | None, usable: "Usable") -> Iterator[Lack]:
    tool = usable.tools.get(address)
    where = f"/requires/tools/{address.replace('~', '~0').replace('/', '~1')}"
    if tool is None:
        yield Lack("E_TOOL_MISSING", where, _("The tool %(tool)s is not known here.") % {"tool": address})
    elif not tool.allowed or not tool.server.enabled or tool.is_changed:
        yield Lack("E_TOOL_BLOCKED", where, _("The tool %(tool)s may not be used here.") % {"tool": address})
    elif sha256 is not None and sha256 != tool.sha256:
        words = _("The tool %(tool)s was approved here in another form: check its arguments.") % {"tool": address}
        yield Lack("E_TOOL_DIFFERS", where, words)


class Usable:
    """What this installation offers, each question asked once."""

    def __init__(self) -> None:
        self.tools = {tool.address: tool for tool in Tool.objects.select_related("server")}
        self._routes: dict[tuple[str, str], bool] = {}

    def capability(self, name: str) -> bool:
        return self._route(name, "")

    def model(self, name: str, capabilities: frozenset[str]) -> bool:
        return any(self._route(capability, name) for capability in capabilities or {CHAT})

    def _route(self, capability: str, model: str) -> bool:
        asked = (capability, model)
        if asked not in self._routes:
            try:
                self._routes[asked] = bool(candidates(capability, model=model))
            except ApiError:
                self._routes[asked] = False
        return self._routes[asked]
