"""What the templates of a graph can read: outputs of finished nodes, `vars`, `run`, and `error` behind a failure."""

import asyncio
from collections.abc import Mapping
from typing import Any

from apps.pipelines.engine.ports import FinishedStep
from apps.pipelines.engine.values import frozen
from apps.pipelines.engine.work import Work
from apps.pipelines.graph import Edge, Graph, Node
from apps.pipelines.nodes.values import LONG
from apps.pipelines.wiring import choice_of, found, lone_path, references, resolve


class Scope:
    """Grows with every finished step; what a node reads of it are its inputs."""

    def __init__(
        self, graph: Graph, work: Work, *, input: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.variables: Mapping[str, Any] = frozen({variable.name: variable.value for variable in graph.variables})
        self._work = work
        self._input = frozen(input)
        self._given = given
        self._read: dict[str, Any] = {"vars": self.variables, "run": work.facts}
        self._recalled: set[str] = set()  # outputs that may still be references
        self._errors: dict[str, Any] = {}  # of nodes behind a failure

    def add(self, node_id: str, step: FinishedStep) -> None:
        """A step that was just finished."""
        self._read[node_id] = step.output
        if step.error is not None and step.branch == "error":
            self._errors[node_id] = frozen({**step.error, "node": node_id})

    def recall(self, node_id: str, step: FinishedStep) -> None:
        """A step that an earlier claim finished; what is large in its output is read when somebody asks for it."""
        self.add(node_id, step)
        self._recalled.add(node_id)

    def lead(self, edge: Edge) -> None:
        """The way was taken: the failure that led here is known behind it, too."""
        if (error := self._errors.get(edge.source)) is not None:
            self._errors.setdefault(edge.target, error)

    async def inputs_of(self, node: Node) -> Mapping[str, Any]:
        """The node's inputs. Raises `ReferenceMissing`, the template's errors, `OutputGone`."""
        if node.id in self._given:
            inputs: Mapping[str, Any] = frozen(self._given[node.id])
            return inputs
        if node.type == "start":
            filled: Mapping[str, Any] = self._input
            return filled
        await self._fill(node)
        values = self._read
        if (error := self._errors.get(node.id)) is not None:
            values = {**values, "error": error}
        if _takes_long(node.inputs, values):  # other runs want the loop's thread
            resolved = await asyncio.to_thread(resolve, dict(node.inputs), values)
        else:
            resolved = {name: resolve(template, values) for name, template in node.inputs.items()}
        made: Mapping[str, Any] = frozen(resolved)
        return made

    async def _fill(self, node: Node) -> None:
        for node_id in {path[0] for path in references(dict(node.inputs))} & self._recalled if self._recalled else ():
            self._read[node_id] = frozen(await self._work.shelf.fill(self._read[node_id]))
            self._recalled.discard(node_id)


def _takes_long(template: Any, values: Mapping[str, Any]) -> bool:
    """Whether a template may take more than a moment: it has tags, and so may loop, or makes text of what is large.

    A template that only names a value, or chooses one, takes no time however large that is.
    """
    if isinstance(template, Mapping):
        return any(_takes_long(inner, values) for inner in template.values())
    if isinstance(template, list | tuple):
        return any(_takes_long(inner, values) for inner in template)
    if not isinstance(template, str) or "{" not in template or lone_path(template) or choice_of(template):
        return False
    return "{%" in template or any(_is_large(found(path, values)) for path in references(template))


def _is_large(value: Any) -> bool:
    """A list or an object is not looked through: that would take as long as what it is to spare."""
    return isinstance(value, Mapping | list | tuple) or (isinstance(value, str) and len(value) > LONG)
