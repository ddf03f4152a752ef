"""Cases of a part, whatever the part is: found, written with every mistake told at once, and claimed by revision."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import F, QuerySet

from apps.core.errors import ApiError, InvalidRequest, Mistaken, NotFound, StaleRevision

C = TypeVar("C", bound=models.Model)


@dataclass(frozen=True)
class CaseBook(Generic[C]):
    """The cases of one kind of part. A case has a name, a revision and a history.

    `rows` are those of the part with this key; it raises `NotFound`. `begun` is a new one, not saved; it raises
    `NotFound`, and what is to be told when there are too many. `mistakes` are those of what a case holds, its name
    apart. `fields` may be written; those of them that are JSON are `loose`: only `mistakes` judges them.
    """

    rows: Callable[[str], QuerySet[C]]
    begun: Callable[[str], C]
    mistakes: Callable[[C], Iterable[Mapping[str, Any]]]
    fields: Collection[str]
    loose: Collection[str]
    invalid: type[Mistaken]
    name_taken: type[ApiError]

    def one(self, key: str, case_id: int) -> C:
        """One case of the part. Raises `NotFound`."""
        found = self.rows(key).filter(pk=case_id).first()
        if found is None:
            raise NotFound()
        return found

    def create(self, key: str, fields: Mapping[str, Any], *, by: Any) -> C:
        """A new case at revision 1. Raises what `begun` and `ensure_sound` do, `InvalidRequest` for unknown fields."""
        return self._saved(lambda: self.begun(key), fields, by)

    def update(self, key: str, case_id: int, changes: Mapping[str, Any], *, expected: int, by: Any) -> C:
        """Change a case. Raises as `create`, and `StaleRevision`. Concurrency: the revision is claimed first."""
        return self._saved(lambda: self._claimed(key, case_id, expected), changes, by)

    def delete(self, key: str, case_id: int, *, expected: int, by: Any) -> None:
        """Delete a case; its history stays. Raises `StaleRevision`, `NotFound`."""
        with transaction.atomic():
            case = self._claimed(key, case_id, expected)
            _signed(case, by).delete()

    def ensure_sound(self, case: C) -> None:
        """Raises `invalid` with every mistake, each with its pointer; `name_taken`."""
        errors = [dict(one) for one in self.mistakes(case)]
        errors += field_mistakes(case, apart=self.loose, taken=self.name_taken)
        if errors:
            raise self.invalid(errors)

    def _saved(self, found: Callable[[], C], fields: Mapping[str, Any], by: Any) -> C:
        name = str(fields.get("name", ""))
        try:
            with transaction.atomic():
                case = found()
                refuse_unknown(fields, self.fields)
                for field, value in fields.items():
                    setattr(case, field, value)
                self.ensure_sound(case)
                _signed(case, by).save()
                return case
        except IntegrityError as exc:
            raise self.name_taken(name=name) from exc

    def _claimed(self, key: str, case_id: int, expected: int) -> C:
        case = self.one(key, case_id)
        rows = type(case)._default_manager.filter(pk=case.pk, revision=expected)
        if not rows.update(revision=F("revision") + 1):
            now = type(case)._default_manager.filter(pk=case.pk).values_list("revision", flat=True).first()
            raise StaleRevision(details={"revision": now})
        return self.one(key, case_id)


def _signed(case: C, by: Any) -> C:
    case._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
    return case


def refuse_unknown(fields: Mapping[str, Any], known: Collection[str]) -> None:
    """Raises `InvalidRequest` with a pointer for every field that is not known."""
    if unknown := sorted(set(fields) - set(known)):
        errors = [{"pointer": f"/{name[:64]}", "code": "unknown", "message": name[:64]} for name in unknown]
        raise InvalidRequest(details={"errors": errors})


def field_mistakes(row: Any, *, apart: Collection[str], taken: type[ApiError]) -> list[dict[str, Any]]:
    """What the row's own fields say is wrong, those in `apart` left out. Raises `taken` when its name is."""
    try:
        row.full_clean(exclude=list(apart))
    except ValidationError as exc:
        if any(error.code in ("unique", "unique_together") for error in exc.error_dict.get("__all__", [])):
            raise taken(name=row.name) from exc
        return [
            {"pointer": f"/{field}", "code": str(error.code), "message": words}
            for field, found in exc.error_dict.items()
            for error in found
            for words in error.messages
        ]
    return []
