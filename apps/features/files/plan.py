"""What an import would do: every document against its draft, and what this installation lacks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django.contrib.auth.models import Group
from django.utils.translation import gettext as _

from apps.core.publishing.canonical import canonical_json
from apps.core.publishing.diff import Change, diff
from apps.features.files.closure import closure, pipelines_of, prompts_of, references_of
from apps.features.files.kinds import FEATURES, KINDS, PIPELINES, PROMPTS, Document, Documents, Kind
from apps.features.files.needs import Lack, Needs, Usable, declared, lacking, needs_of
from apps.features.files.problems import FileProblem, FilesRefused
from apps.features.files.reading import Reading, name_of, read_documents
from apps.pipelines.services.cases import mistakes_of
from apps.prompts.checking import case_mistakes
from apps.prompts.reference import reference_of
from apps.prompts.texts import pinned_texts

Action = Literal["create", "change", "same"]


@dataclass(frozen=True)
class Step:
    """What becomes of one document. `row` is the draft as it was when the plan was made."""

    kind: Kind
    key: str
    action: Action
    document: Document
    row: Any = None
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        return name_of(self.kind.folder, self.key)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.name,
            "action": self.action,
            "changes": [change.as_dict() for change in self.changes],
        }


@dataclass(frozen=True)
class Plan:
    """The steps in the order of writing; `touched` are the features whose draft, or a part of it, would differ."""

    steps: list[Step]
    warnings: list[FileProblem] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    @property
    def writing(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.action != "same"]

    def names(self, action: Action) -> list[str]:
        return [step.name for step in self.steps if step.action == action]


def make_plan(root: Path) -> Plan:
    """Compare the files below `root` with the drafts. Raises `FilesRefused` with every problem; writes nothing."""
    reading = read_documents(root)
    rows = {kind.folder: {row.key: row for row in kind.rows()} for kind in KINDS}
    problems = [*reading.problems, *_broken_references(reading, rows), *_broken_cases(reading)]
    if problems:
        raise FilesRefused(problems)
    steps = [
        _step(kind, key, kind.completed(document, rows[kind.folder].get(key)), rows[kind.folder].get(key))
        for kind in KINDS
        for key, document in sorted(reading.documents[kind.folder].items())
    ]
    after = _laid_over(rows, reading.documents)
    return Plan(steps, list(_warnings(reading, after)), _touched(steps, after))


def _step(kind: Kind, key: str, document: Document, row: Any) -> Step:
    if row is None:
        return Step(kind, key, "create", document)
    before, after = kind.document(row), kind.own(document)
    if canonical_json(before) == canonical_json(after):
        return Step(kind, key, "same", document, row)
    return Step(kind, key, "change", document, row, tuple(diff(before, after)))


def _broken_references(reading: Reading, rows: dict[str, dict[str, Any]]) -> Iterator[FileProblem]:
    """A feature's menu, pipeline and roles must exist. No role is made here: who is in it decides who may run what."""
    roles = set(Group.objects.values_list("name", flat=True))
    for key, document in reading.documents[FEATURES.folder].items():
        name = name_of(FEATURES.folder, key)
        for place, kind in FEATURES.relations.items():
            wanted = document[place]
            if wanted not in rows[kind.folder] and not reading.has(kind.folder, wanted):
                words = _("There is no “%(key)s”, neither in the files nor here.") % {"key": wanted}
                yield reading.problem("E_REFERENCE", name, f"/{place}", words)
        for index, role in enumerate(document["roles"]):
            if role not in roles:
                words = _("There is no role “%(role)s” here: create it first.") % {"role": role}
                yield reading.problem("E_ROLE", name, f"/roles/{index}", words)


def _broken_cases(reading: Reading) -> Iterator[FileProblem]:
    """A case that means nothing would fail for ever: said here, with its place. Names are given once."""
    yield from _cases_of(reading, PROMPTS.folder, lambda case: case_mistakes(case["values"], case["checks"]))
    yield from _cases_of(reading, PIPELINES.folder, mistakes_of)


def _cases_of(
    reading: Reading, folder: str, mistakes: Callable[[Document], Sequence[Mapping[str, object]]]
) -> Iterator[FileProblem]:
    for key, document in reading.documents[folder].items():
        name, seen = name_of(folder, key), set[str]()
        for index, case in enumerate(document.get("cases", [])):
            for mistake in mistakes(case):
                pointer = f"/cases/{index}{mistake['pointer']}"
                yield reading.problem(str(mistake["code"]), name, pointer, str(mistake["message"]))
            if case["name"] in seen:
                words = _("There is a case “%(name)s” already.") % {"name": case["name"]}
                yield reading.problem("E_CASE_TWICE", name, f"/cases/{index}/name", words)
            seen.add(case["name"])


def _laid_over(rows: dict[str, dict[str, Any]], documents: Documents) -> Documents:
    """All drafts as they would be after the import."""
    return {
        kind.folder: {key: kind.document(row) for key, row in rows[kind.folder].items()}
        | {k: kind.completed(one, rows[kind.folder].get(k)) for k, one in documents[kind.folder].items()}
        for kind in KINDS
    }


def _warnings(reading: Reading, after: Documents) -> Iterator[FileProblem]:
    """What publishing will miss. A draft may be unfinished, so none of it stops the import."""
    usable = Usable()
    for key, feature in reading.documents[FEATURES.folder].items():
        needs = _both(needs_of(after, feature, {}), declared(feature))
        for lack in [*lacking(needs, usable), *_missing_parts(after, feature)]:
            yield reading.problem(lack.code, name_of(FEATURES.folder, key), lack.pointer, lack.message, level="warning")


def _both(computed: Needs, told: Needs) -> Needs:
    return Needs(
        computed.capabilities | told.capabilities,
        computed.models | told.models,
        {**computed.tools, **told.tools},
    )


def _missing_parts(after: Documents, feature: Document) -> Iterator[Lack]:
    pipelines = pipelines_of(after, [feature["pipeline"]])
    for folder, keys in ((PIPELINES.folder, pipelines), (PROMPTS.folder, prompts_of(after, pipelines))):
        for key in sorted(keys - set(after[folder])):
            words = _("“%(name)s” is used and exists neither in the files nor here.") % {"name": name_of(folder, key)}
            yield Lack("E_PART_MISSING", "/pipeline", words)
    for reference in sorted(_unknown_versions(after, pipelines)):
        words = _("“%(name)s” is used and exists neither in the files nor here.") % {"name": reference}
        yield Lack("E_PART_MISSING", "/pipeline", words)


def _unknown_versions(after: Documents, pipelines: set[str]) -> set[str]:
    """Labels that no file and no draft has, and numbers that this installation does not have."""
    pinned = {ref for ref in map(reference_of, references_of(after, pipelines)) if ref.is_pinned}
    prompts = after[PROMPTS.folder]
    labels = {str(ref) for ref in pinned if ref.label in prompts.get(ref.key, {}).get("labels", {})}
    return {str(ref) for ref in pinned} - labels - pinned_texts(ref for ref in pinned if ref.number).keys()


def _touched(steps: list[Step], after: Documents) -> list[str]:
    differing = {(step.kind.folder, step.key) for step in steps if step.action != "same"}
    return [
        key
        for key in sorted(after[FEATURES.folder])
        if any((folder, part) in differing for folder, parts in closure(after, [key]).items() for part in parts)
    ]
