"""The words of the template language, for editors: what there is, how it is written, and what it does."""

from collections import defaultdict
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.prompts.models import Prompt, PromptLabel, PromptVersion
from apps.prompts.templates import filters, tags
from apps.prompts.variables import TYPES, declared_by

MAX_PROMPTS: Final = 1_000  # that an editor completes; beyond it, the key has to be known
NUMBERS: Final = 20  # newest versions of each that are offered

FILTERS: Final[dict[str, tuple[str, str | Promise]]] = {
    "abs": ("abs", _("The number without its sign.")),
    "append": ("append: text", _("Puts a text behind it.")),
    "at_least": ("at_least: number", _("The number, or the given one where that is larger.")),
    "at_most": ("at_most: number", _("The number, or the given one where that is smaller.")),
    "base64_decode": ("base64_decode", _("Base64 back to text.")),
    "base64_encode": ("base64_encode", _("The text as Base64.")),
    "base64_url_safe_decode": ("base64_url_safe_decode", _("URL-safe Base64 back to text.")),
    "base64_url_safe_encode": ("base64_url_safe_encode", _("The text as URL-safe Base64.")),
    "capitalize": ("capitalize", _("First letter large, the others small.")),
    "ceil": ("ceil", _("Rounded up to a whole number.")),
    "compact": ("compact", _("The list without what is empty.")),
    "concat": ("concat: list", _("Two lists as one.")),
    "date": ('date: "%Y-%m-%d"', _("A date in the given form.")),
    "default": ("default: value", _("The given value where there is none.")),
    "divided_by": ("divided_by: number", _("Divided; by a whole number, rounded down.")),
    "downcase": ("downcase", _("All letters small.")),
    "escape": ("escape", _("Fit for HTML: <, >, & and quotes are spelled out.")),
    "escape_once": ("escape_once", _("As escape, and what is spelled out already stays.")),
    "escapejs": ("escapejs", _("Fit for a JavaScript text.")),
    "find": ("find: field, value", _("The first item whose field has the value.")),
    "find_index": ("find_index: field, value", _("The place of the first item whose field has the value.")),
    "first": ("first", _("The first item.")),
    "floor": ("floor", _("Rounded down to a whole number.")),
    "has": ("has: field, value", _("Whether some item's field has the value.")),
    "join": ('join: ", "', _("The items as one text, with the given one between them.")),
    "last": ("last", _("The last item.")),
    "lstrip": ("lstrip", _("Without space at the beginning.")),
    "map": ("map: field", _("One field of every item.")),
    "minus": ("minus: number", _("Less the given number.")),
    "modulo": ("modulo: number", _("What remains of a division.")),
    "newline_to_br": ("newline_to_br", _("A <br> before every line break.")),
    "plus": ("plus: number", _("And the given number.")),
    "prepend": ("prepend: text", _("Puts a text before it.")),
    "reject": ("reject: field, value", _("The items whose field has another value.")),
    "remove": ("remove: text", _("Without the given text, wherever it stands.")),
    "remove_first": ("remove_first: text", _("Without the given text where it first stands.")),
    "remove_last": ("remove_last: text", _("Without the given text where it last stands.")),
    "replace": ("replace: old, new", _("One text in the place of another, everywhere.")),
    "replace_first": ("replace_first: old, new", _("One text in the place of another, where it first stands.")),
    "replace_last": ("replace_last: old, new", _("One text in the place of another, where it last stands.")),
    "reverse": ("reverse", _("The items from last to first.")),
    "round": ("round: digits", _("Rounded, to a whole number or to so many digits.")),
    "rstrip": ("rstrip", _("Without space at the end.")),
    "safe": ("safe", _("The text as it is.")),
    "size": ("size", _("How many characters or items.")),
    "slice": ("slice: start, length", _("A part, counted from 0; from the end below 0.")),
    "sort": ("sort: field", _("The items in order, large letters first.")),
    "sort_natural": ("sort_natural: field", _("The items in order, large and small letters alike.")),
    "split": ('split: ","', _("The parts between the given text, as a list.")),
    "squish": ("squish", _("Without space at both ends, and one space in the place of many.")),
    "strip": ("strip", _("Without space at both ends.")),
    "strip_html": ("strip_html", _("Without HTML tags.")),
    "strip_newlines": ("strip_newlines", _("Without line breaks.")),
    "sum": ("sum: field", _("The numbers of a list added up.")),
    "times": ("times: number", _("Times the given number.")),
    "truncate": ("truncate: length, end", _("Cut to so many characters, with … at the end.")),
    "truncatewords": ("truncatewords: words, end", _("Cut to so many words, with … at the end.")),
    "uniq": ("uniq", _("The items, each once.")),
    "upcase": ("upcase", _("All letters large.")),
    "url_decode": ("url_decode", _("%20 and the like back to characters.")),
    "url_encode": ("url_encode", _("Fit for an address.")),
    "where": ("where: field, value", _("The items whose field has the value.")),
}
TAGS: Final[dict[str, str | Promise]] = {
    "#": _("A comment of one line: {% # words %}."),
    "assign": _("Gives a value a name: {% assign name = value %}."),
    "break": _("Leaves the loop."),
    "capture": _("Gives the text in between a name: {% capture name %}…{% endcapture %}."),
    "case": _("Chooses by a value: {% case x %}{% when 1 %}…{% else %}…{% endcase %}."),
    "comment": _("Says nothing: {% comment %}…{% endcomment %}."),
    "continue": _("Goes on with the next item of the loop."),
    "cycle": _("One of the values after the other, in each pass of a loop."),
    "decrement": _("Counts down from 0."),
    "doc": _("Words about the prompt: {% doc %}…{% enddoc %}."),
    "echo": _("Puts out a value, as {{ }} does."),
    "for": _("Repeats for each item: {% for item in list %}…{% endfor %}."),
    "if": _("Only where it holds: {% if a %}…{% elsif b %}…{% else %}…{% endif %}."),
    "ifchanged": _("Only where the text differs from the pass before."),
    "include": _("Another prompt's user text, which sees and changes the values here."),
    "increment": _("Counts up from 0."),
    "liquid": _("Several tags, one in each line, without braces."),
    "raw": _("Braces that mean nothing: {% raw %}…{% endraw %}."),
    "render": _("Another prompt's user text: {% render 'key', name: value %}."),
    "tablerow": _("Rows of an HTML table."),
    "unless": _("Only where it does not hold: {% unless a %}…{% endunless %}."),
}


def words() -> dict[str, Any]:
    """Filters, tags, types, and the prompts that may be included, in the active language. Three queries."""
    return {
        "filters": [
            {"name": name, "signature": FILTERS[name][0], "help": str(FILTERS[name][1])} for name in sorted(filters())
        ],
        "tags": [{"name": name, "help": str(TAGS[name])} for name in sorted(tags() | {"raw"})],
        "types": sorted(TYPES),
        "prompts": _prompts(),
    }


def _prompts() -> list[dict[str, Any]]:
    rows = list(Prompt.objects.only("key", "name", "variables")[:MAX_PROMPTS])
    numbers, labels = defaultdict[int, list[int]](list), defaultdict[int, dict[str, int]](dict)
    for prompt_id, number in PromptVersion.objects.order_by("-number").values_list("prompt_id", "number"):
        if len(numbers[prompt_id]) < NUMBERS:
            numbers[prompt_id].append(number)
    for prompt_id, name, number in PromptLabel.objects.values_list("prompt_id", "name", "version__number"):
        labels[prompt_id][name] = number
    return [
        {
            "key": row.key,
            "name": row.name,
            "variables": declared_by({"variables": row.variables}),
            "versions": numbers[row.pk],
            "labels": labels[row.pk],
        }
        for row in rows
    ]
