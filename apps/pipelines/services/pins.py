"""Pins: outputs of single nodes that trials use in their place."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.core.errors import NotFound
from apps.core.publishing.canonical import canonical_json, sha256_of
from apps.pipelines.errors import PinInvalid, PinNameTaken, TooManyPins
from apps.pipelines.models import PipelinePin
from apps.pipelines.services.drafts import draft
from apps.pipelines.shape import is_too_deep
from apps.prompts.services.case_book import field_mistakes, refuse_unknown

MAX_PINS: Final = 200  # of one pipeline
MAX_BYTES: Final = 1_000_000  # of one output; files are in it as ids
MAX_FILES: Final = 100
FIELDS: Final = ("node", "name", "output", "files")

Mistake = dict[str, str]


def pins_of(ref: str) -> QuerySet[PipelinePin]:
    """The pipeline's pins by name. Raises `NotFound`."""
    return PipelinePin.objects.filter(pipeline=draft(ref)).select_related("by")


def pin_of(ref: str, pin_id: int) -> PipelinePin:
    """One pin of the pipeline. Raises `NotFound`."""
    found = pins_of(ref).filter(pk=pin_id).first()
    if found is None:
        raise NotFound()
    return found


def create_pin(ref: str, fields: Mapping[str, Any], *, by: Any) -> PipelinePin:
    """Keep an output. A pin is never changed: another output is another pin.

    Raises `PinInvalid` with every mistake, `PinNameTaken`, `TooManyPins`, `InvalidRequest` for unknown fields.
    """
    pipeline = draft(ref)
    refuse_unknown(fields, FIELDS)
    if pipeline.pins.count() >= MAX_PINS:
        raise TooManyPins(limit=MAX_PINS)
    pin = PipelinePin(pipeline=pipeline, by=by if getattr(by, "pk", None) else None, **fields)
    _ensure_sound(pin)
    pin.sha256 = sha256_of(pin.output)
    try:
        with transaction.atomic():
            pin.save()
    except IntegrityError as exc:
        raise PinNameTaken(name=pin.name) from exc
    return pin


def delete_pin(ref: str, pin_id: int) -> None:
    """Delete a pin. Raises `NotFound`."""
    pin_of(ref, pin_id).delete()


def _ensure_sound(pin: PipelinePin) -> None:
    apart = ("output", "files", "sha256", "by")
    errors = [*_mistakes(pin), *field_mistakes(pin, apart=apart, taken=PinNameTaken)]
    if errors:
        raise PinInvalid(errors)


def _mistakes(pin: PipelinePin) -> Iterator[Mistake]:
    if not isinstance(pin.output, dict) or is_too_deep(pin.output):
        yield {"pointer": "/output", "code": "E_PIN_OUTPUT", "message": _("The node's output, an object.")}
    elif len(canonical_json(pin.output)) > MAX_BYTES:
        yield {"pointer": "/output", "code": "E_PIN_SIZE", "message": _("The output is too large for a pin.")}
    files = pin.files
    if not isinstance(files, list) or len(files) > MAX_FILES or not all(map(_is_id, files)):
        yield {"pointer": "/files", "code": "E_PIN_FILES", "message": _("A list of the ids of files.")}


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False
