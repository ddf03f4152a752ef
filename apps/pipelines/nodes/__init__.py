"""Node types by name: every module in this folder that defines `NODE` is one."""

import importlib
import pkgutil
from functools import lru_cache

from apps.pipelines.graph import Node
from apps.pipelines.nodes.base import BaseNode, Needs, NodeType


@lru_cache(maxsize=1)
def node_types() -> dict[str, NodeType]:
    """All node types by name."""
    found: dict[str, NodeType] = {}
    for module in pkgutil.iter_modules(__path__):
        node: NodeType | None = getattr(importlib.import_module(f"{__name__}.{module.name}"), "NODE", None)
        if node is not None:
            found[node.type] = node
    return found


def labels() -> dict[str, str]:
    """What people call each node type, in the active language."""
    return {name: str(node.label) for name, node in node_types().items()}


def needs_of(node: Node) -> Needs:
    """The parts that `node` names. Of a type that is not known, what settings with the usual names say."""
    kind = node_types().get(node.type)
    return kind.needs(node.config) if kind else BaseNode().needs(node.config)
