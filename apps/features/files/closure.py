"""What a feature's files need among the other files: menu, pipelines within pipelines, prompts within prompts."""

import re
from collections.abc import Callable, Iterable, Iterator

from apps.features.files.kinds import FEATURES, MENUS, PIPELINES, PROMPTS, Document, Documents
from apps.pipelines.graph import Graph, Node, readable_graph
from apps.pipelines.nodes import needs_of
from apps.prompts.reference import key_of, reference_of

# By pattern, not by parser: a draft's text may be unfinished, and what it names is needed all the same.
_TAG = re.compile(r"\{%-?(.*?)-?%\}", re.DOTALL)
_INCLUDE = re.compile(r"""(?:^|\n)\s*(?:liquid\s+)?(?:render|include)\s+(['"])([^'"]+)\1""")


def closure(documents: Documents, features: Iterable[str]) -> Documents:
    """The documents that `features` need, themselves included; what is missing is left out."""
    chosen = {key: documents[FEATURES.folder][key] for key in features if key in documents[FEATURES.folder]}
    pipelines = pipelines_of(documents, (feature["pipeline"] for feature in chosen.values()))
    menus = {feature["menu"] for feature in chosen.values()}
    return {
        MENUS.folder: _present(documents, MENUS.folder, menus),
        PROMPTS.folder: _present(documents, PROMPTS.folder, prompts_of(documents, pipelines)),
        PIPELINES.folder: _present(documents, PIPELINES.folder, pipelines),
        FEATURES.folder: dict(sorted(chosen.items())),
    }


def pipelines_of(documents: Documents, keys: Iterable[str]) -> set[str]:
    """`keys` and the pipelines within them, whether or not they exist."""
    return _reached(keys, lambda key: _within(documents[PIPELINES.folder].get(key)))


def prompts_of(documents: Documents, pipelines: Iterable[str]) -> set[str]:
    """The keys of the prompts that `pipelines` name and those included in them, whether or not they exist."""
    return {key_of(reference) for reference in references_of(documents, pipelines)}


def references_of(documents: Documents, pipelines: Iterable[str]) -> set[str]:
    """The same as they are written: drafts, versions and labels. Of a version that no file has, the draft counts."""
    named = {name for node in nodes_of(documents, pipelines) for name in needs_of(node).prompts}
    return _reached(named, lambda name: _included(_text(documents, name)))


def _text(documents: Documents, name: str) -> Document | None:
    reference = reference_of(name)
    prompt = documents[PROMPTS.folder].get(reference.key)
    return prompt and prompt.get("labels", {}).get(reference.label, prompt)


def nodes_of(documents: Documents, pipelines: Iterable[str]) -> Iterator[Node]:
    """Every node of `pipelines`, as far as their graphs can be read."""
    for key in sorted(pipelines):
        yield from _graph(documents[PIPELINES.folder].get(key)).nodes


def _reached(start: Iterable[str], following: Callable[[str], set[str]]) -> set[str]:
    seen, todo = set[str](), list(start)
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo.extend(following(key))
    return seen


def _within(pipeline: Document | None) -> set[str]:
    return {key for node in _graph(pipeline).nodes for key in needs_of(node).pipelines}


def _included(prompt: Document | None) -> set[str]:
    texts = (str(prompt["system"]), str(prompt["body"])) if prompt else ()
    tags = (tag for text in texts for tag in _TAG.findall(text))
    return {found[1] for tag in tags for found in _INCLUDE.findall(tag)}


def _graph(pipeline: Document | None) -> Graph:
    return readable_graph(pipeline["graph"] if pipeline else {})


def _present(documents: Documents, folder: str, keys: Iterable[str]) -> dict[str, Document]:
    return {key: documents[folder][key] for key in sorted(keys) if key in documents[folder]}
