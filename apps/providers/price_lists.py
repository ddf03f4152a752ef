"""Read a price list: our own CSV or JSON, or LiteLLM's `model_prices_and_context_window.json`.

Ours is in credits: `input`, `output` and `cached` for a million tokens, `image` and `call` each. CSV has a header with
`model` and any of `endpoint, input, output, cached, image, call, context_window, max_output`; JSON is
`{"schema": 1, "models": [{"model": ..., "input": "2.5", ...}]}`. An empty cell leaves a price as it is. LiteLLM's is in
US dollars for one token, so it takes a rate: credits for a dollar.

A list is data: nothing in it is evaluated, a cell that begins like a formula is no number and no model of ours.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from apps.providers.errors import PriceListRefused
from apps.providers.models import MICRO, PRICES

LARGEST = 8 * 1024 * 1024  # bytes; LiteLLM's list has one and a half million
MOST_ROWS = 20_000
LONGEST_CELL = 300
MOST_PROBLEMS = 50  # that are told
MOST_MICRO = 10**15
SIZES = ("context_window", "max_output")
COLUMNS = ("model", "endpoint", *PRICES, *SIZES)
MILLION = 1_000_000

# Ours: theirs, and how many of theirs are one of ours.
LITELLM = {
    "input": ("input_cost_per_token", MILLION),
    "output": ("output_cost_per_token", MILLION),
    "cached": ("cache_read_input_token_cost", MILLION),
    "image": ("output_cost_per_image", 1),
    "call": ("input_cost_per_query", 1),
}
LITELLM_SIZES = {"context_window": "max_input_tokens", "max_output": "max_output_tokens"}


@dataclass(frozen=True)
class Entry:
    """What a list says of one model. `endpoint` "" stands for every endpoint that offers it."""

    model: str
    endpoint: str = ""
    prices: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass
class PriceList:
    """The entries of a list, and the lines that could not be read."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    shape: str = "csv"

    def refuse(self, where: str, words: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"path": where, "code": "E_PRICE_LINE", "message": words})


def read_list(raw: bytes, *, rate: Decimal | None = None) -> PriceList:
    """Raises `PriceListRefused` for what is no price list at all; single lines become problems."""
    if len(raw) > LARGEST:
        raise PriceListRefused(what=_("it is larger than %(size)s MB") % {"size": LARGEST // 2**20})
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise PriceListRefused(what=_("it is not in UTF-8")) from exc
    return _from_json(text, rate) if text.lstrip()[:1] in ("{", "[") else _from_csv(text)


def _from_csv(text: str) -> PriceList:
    found = PriceList()
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        names = [(name or "").strip().lower() for name in rows.fieldnames or []]
        if "model" not in names or len(names) != len(set(names)) or not set(names) <= set(COLUMNS):
            raise PriceListRefused(what=_("its first line has to name columns of %(names)s") % {"names": _names()})
        rows.fieldnames = names
        for number, row in enumerate(rows, start=2):
            _check_count(number)
            if None in row:
                found.refuse(f"line {number}", _("More cells than columns."))
                continue
            _add(found, f"line {number}", {name: value for name, value in row.items() if (value or "").strip()})
    except csv.Error as exc:
        raise PriceListRefused(what=str(exc)) from exc
    return found


def _from_json(text: str, rate: Decimal | None) -> PriceList:
    try:
        given = json.loads(text, parse_float=Decimal, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as exc:
        raise PriceListRefused(what=_("it is not valid JSON")) from exc
    if isinstance(given, dict) and isinstance(given.get("models"), list):
        if given.get("schema") != 1:
            raise PriceListRefused(what=_("its schema is not 1"))
        return _from_rows(given["models"])
    if not isinstance(given, dict) or not all(isinstance(value, dict) for value in given.values()):
        raise PriceListRefused(what=_("it has no list “models” and no model by name"))
    if rate is None:
        raise PriceListRefused(what=_("it is in dollars, so it takes a rate: credits for a dollar"))
    return _from_litellm(given, rate)


def _from_rows(rows: Iterable[Any]) -> PriceList:
    found = PriceList(shape="json")
    for number, row in enumerate(rows, start=1):
        _check_count(number)
        where = f"models/{number - 1}"
        if not isinstance(row, dict) or not set(row) <= set(COLUMNS):
            found.refuse(where, _("Only these members are known: %(names)s.") % {"names": _names()})
            continue
        _add(found, where, {name: value for name, value in row.items() if value is not None})
    return found


def _from_litellm(given: Mapping[str, Mapping[str, Any]], rate: Decimal) -> PriceList:
    found = PriceList(shape="litellm")
    for number, (name, row) in enumerate(given.items()):
        _check_count(number)
        if name == "sample_spec":
            continue
        cells: dict[str, Any] = {"model": name}
        for ours, (theirs, count) in LITELLM.items():
            if isinstance(value := row.get(theirs), int | Decimal) and not isinstance(value, bool):
                cells[ours] = Decimal(value) * count * rate
        for ours, theirs in LITELLM_SIZES.items():
            if isinstance(value := row.get(theirs), int) and not isinstance(value, bool) and value > 0:
                cells[ours] = value
        _add(found, name, cells, exact=False)
    return found


def _add(found: PriceList, where: str, cells: Mapping[str, Any], *, exact: bool = True) -> None:
    try:
        model, endpoint = _text(cells.get("model", ""), needed=True), _text(cells.get("endpoint", ""))
        prices = {name: _micro(cells[name], exact=exact) for name in PRICES if name in cells}
        sizes = {name: _size(cells[name]) for name in SIZES if name in cells}
    except ValueError as exc:
        found.refuse(where, str(exc))
    else:
        found.entries.append(Entry(model, endpoint, prices, sizes))


def _text(value: Any, *, needed: bool = False) -> str:
    if needed and value in ("", None):
        raise ValueError(_("A model has to be named."))
    if not isinstance(value, str) or len(value) > LONGEST_CELL or not value.isprintable():
        raise ValueError(_("A name is a line of text."))
    return value.strip()


def _micro(value: Any, *, exact: bool) -> int:
    """Credits as micro-credits. Raises `ValueError`."""
    words = _("“%(value)s” is no price: a number of credits from 0, with six places at most.")
    shown = str(value)[:40]
    try:
        micro = Decimal(str(value).strip()[:LONGEST_CELL]) * MICRO
    except InvalidOperation:
        raise ValueError(words % {"value": shown}) from None
    if isinstance(value, bool) or not micro.is_finite() or not 0 <= micro <= MOST_MICRO:
        raise ValueError(words % {"value": shown})
    if exact and micro != micro.to_integral_value():
        raise ValueError(words % {"value": shown})
    return int(micro.to_integral_value())


def _size(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(_("“%(value)s” is no number of tokens.") % {"value": text[:40]})
    return int(text)


def _check_count(number: int) -> None:
    if number > MOST_ROWS:
        raise PriceListRefused(what=_("it has more than %(count)s lines") % {"count": MOST_ROWS})


def _names() -> str:
    return ", ".join(COLUMNS)


def by_model(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries by the model that they name."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.model, []).append(entry)
    return found


def names_for(endpoint: str, handler: str, model: str) -> Iterator[str]:
    """What a list may call a model of an endpoint, the most telling name first."""
    yield from (f"{endpoint}/{model}", f"{handler}/{model}", model)
