"""What of a run's events is the answer's own text, as it comes."""

from collections.abc import Mapping
from typing import Any

from apps.pipelines.graph import parse_graph
from apps.pipelines.wiring import references
from apps.tasks.events import Frame
from apps.tasks.faces.results import Result


class Speech:
    """Tells the text of the steps that the result is made of from that of steps in between."""

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self._speakers = _speakers(payload)
        self._said: list[str] = []

    def heard(self, frame: Frame) -> str:
        """The text that `frame` adds to the answer; "" for any other."""
        if frame.type != "delta" or frame.data.get("node") not in self._speakers:
            return ""
        text = str(frame.data.get("text", ""))
        self._said.append(text)
        return text

    def rest(self, result: Result) -> str:
        """What is left to say of `result`: all of it when nothing was said, else what the steps did not say."""
        said = "".join(self._said)
        if result.text.startswith(said):
            return result.text[len(said) :]
        return "".join(f"\n\n{file.markdown}" for file in result.files)


def _speakers(payload: Mapping[str, Any]) -> frozenset[str]:
    """The steps whose own output the end hands out."""
    graph = parse_graph(payload["pipeline"]["graph"])
    ends = [node for node in graph.nodes if node.type == "end"]
    return frozenset(path[0] for end in ends for path in references(dict(end.inputs)))
