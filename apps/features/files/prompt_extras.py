"""What a prompt's file holds beside its own fields: labels with the texts they stand for, and saved cases.

Version numbers count the versions of one installation, so a file names none: a label brings its text along.
"""

from typing import Any

from apps.core.publishing.canonical import sha256_of
from apps.features.files.canonical_yaml import ordered
from apps.prompts.models import Prompt, PromptCase, PromptLabel
from apps.prompts.services import move_label
from apps.prompts.services.versions import keep_version


def extras_of(prompt: Prompt) -> dict[str, Any]:
    """`labels` by name, and `cases` in the order of their names."""
    return {
        "labels": {
            label.name: {"note": label.version.note, **ordered(label.version.content)}
            for label in sorted(prompt.labels.all(), key=lambda label: label.name)
        },
        "cases": [ordered(case.as_judged()) for case in sorted(prompt.cases.all(), key=lambda case: case.name)],
    }


def write_extras(prompt: Prompt, document: dict[str, Any], *, by: Any, reason: str) -> None:
    """Make labels and cases what `document` says, as far as it speaks of them. Called in the import's transaction."""
    if "labels" in document:
        _labels(prompt, document["labels"], by)
    if "cases" in document:
        _cases(prompt, document["cases"], by, reason)


def _labels(prompt: Prompt, wanted: dict[str, Any], by: Any) -> None:
    known = {label.name: label for label in PromptLabel.objects.filter(prompt=prompt).select_related("version")}
    for name, told in wanted.items():
        content = {field: told[field] for field in ("system", "body", "variables")}
        if name not in known or known[name].version.sha256 != sha256_of(content):
            version = keep_version(prompt.key, content, note=told["note"], by=by)
            move_label(prompt.key, name, to=version.number, by=by)
    for name in known.keys() - wanted.keys():
        known[name]._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        known[name].delete()


def _cases(prompt: Prompt, wanted: list[dict[str, Any]], by: Any, reason: str) -> None:
    known = {case.name: case for case in PromptCase.objects.filter(prompt=prompt)}
    for told in wanted:
        case = known.get(told["name"]) or PromptCase(prompt=prompt)
        if case.pk and ordered(case.as_judged()) == ordered(told):
            continue
        case.revision += 1 if case.pk else 0
        for field in ("name", "values", "checks", "gated"):
            setattr(case, field, told[field])
        row: Any = case  # simple-history's documented attributes
        row._history_user, row._change_reason = by, reason
        case.save()
    for name in known.keys() - {told["name"] for told in wanted}:
        known[name]._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        known[name].delete()
