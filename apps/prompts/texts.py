"""What references stand for today, looked up in the rows."""

from collections.abc import Iterable

from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.reference import Reference, reference_of

Text = Prompt | PromptVersion


def texts_named(references: Iterable[str]) -> dict[str, Text]:
    """What each of `references` means now; those that mean nothing are left out.

    At most three queries, however many there are: one for drafts, one for numbers, one for labels.
    """
    wanted = {written: reference_of(written) for written in references}
    drafts = {ref.key for ref in wanted.values() if not ref.is_pinned}
    pinned = pinned_texts(ref for ref in wanted.values() if ref.is_pinned)
    rows: dict[str, Prompt] = {row.key: row for row in Prompt.objects.filter(key__in=drafts)} if drafts else {}
    return {**{written: rows[written] for written in wanted if written in rows}, **pinned}


def pinned_texts(references: Iterable[Reference]) -> dict[str, Text]:
    """The versions that numbers and labels name. At most two queries."""
    wanted = list(references)
    numbers = {(ref.key, ref.number) for ref in wanted if ref.number is not None}
    labels = {(ref.key, ref.label) for ref in wanted if ref.label}
    found: dict[str, Text] = {}
    if numbers:
        keys, values = {key for key, _n in numbers}, {number for _k, number in numbers}
        rows = PromptVersion.objects.filter(prompt__key__in=keys, number__in=values).select_related("prompt")
        found |= {f"{row.prompt.key}@{row.number}": row for row in rows if (row.prompt.key, row.number) in numbers}
    if labels:
        keys, names = {key for key, _l in labels}, {name for _k, name in labels}
        named = PromptLabel.objects.filter(prompt__key__in=keys, name__in=names).select_related("version__prompt")
        for label in named:
            key = label.version.prompt.key
            if (key, label.name) in labels:
                found[f"{key}@{label.name}"] = label.version
    return found
