"""Create, change and delete endpoints with their models."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from apps.core.errors import InvalidRequest, NotFound, StaleRevision
from apps.core.publishing.usage import hold_releases
from apps.providers.catalogue import collect
from apps.providers.errors import EndpointKeyTaken
from apps.providers.handlers import handlers
from apps.providers.meanwhile import meanwhile
from apps.providers.models import RESERVED, Endpoint, Offer
from apps.providers.services.keys import refuse_kept_key, set_secret
from apps.providers.services.releasing import refuse_lost, refuse_removal, release_catalogue

MOST_OFFERS = 500
LONGEST_NAME = 120
IMAGE_NAMES = ("dall-e", "image", "diffusion", "imagen", "flux")
Fields = Mapping[str, Any]


def endpoint_of(key: str) -> Endpoint:
    """The endpoint with everything that is shown of it. Raises `NotFound`."""
    found = Endpoint.objects.for_list().filter(key=key).first()
    if found is None:
        raise NotFound()
    return found


def create_endpoint(key: str, fields: Fields, *, offers: Sequence[Fields] = (), secret: str = "", by: Any) -> Endpoint:
    """A new endpoint with its models and its key.

    Raises `EndpointKeyTaken`, `InvalidRequest` and `ValidationError` for unfit fields, `KeyUnfit`.
    """
    if key in RESERVED:
        raise EndpointKeyTaken(key=key)
    try:
        with transaction.atomic():
            endpoint = _written(Endpoint(key=key), fields, by=by)
            _replace_offers(endpoint, offers)
            _released(endpoint, secret, by=by)
    except IntegrityError as exc:
        raise EndpointKeyTaken(key=key) from exc
    return endpoint_of(key)


def update_endpoint(
    key: str,
    changes: Fields,
    *,
    offers: Sequence[Fields] | None = None,
    secret: str = "",
    expected_revision: int,
    by: Any,
) -> Endpoint:
    """Change fields; `offers`, when given, take the place of the endpoint's models.

    Raises `StaleRevision` with what changed, `KeyNeeded` for another address without its key, `OnlyRoute` when somebody
    would be left without a model, and what `create_endpoint` does. Nothing is changed then.
    Concurrency: the revision is claimed by a conditional update; of two at once one is refused.
    """
    with transaction.atomic():
        endpoint = claim_revision(key, expected_revision)
        hold_releases()
        before, former = collect(), copy(endpoint)
        _written(endpoint, changes, by=by)
        if not secret:
            refuse_kept_key(former, kind=endpoint.kind, handler_key=endpoint.handler_key, base_url=endpoint.base_url)
        if offers is not None:
            _replace_offers(endpoint, offers)
        refuse_lost(before)
        _released(endpoint, secret, by=by)
    return endpoint_of(key)


def offer_models(endpoint: Endpoint, names: Sequence[str], *, by: Any) -> int:
    """Offer models that the endpoint does not offer yet; returns how many. What they can do is guessed by the name.

    Concurrency: what somebody else adds meanwhile is left as it is.
    """
    with transaction.atomic():
        offered = {name.casefold() for name in endpoint.offers.values_list("model", flat=True)}
        wanted = {name.casefold(): name for name in names if name and len(name) <= LONGEST_NAME and name.isprintable()}
        fresh = [name for folded, name in wanted.items() if folded not in offered]
        fresh = fresh[: max(0, MOST_OFFERS - len(offered))]
        if not fresh:
            return 0
        Offer.objects.bulk_create(Offer(endpoint=endpoint, model=n, capabilities=_guessed(n)) for n in fresh)
        changed = claim_revision(endpoint.key, endpoint.revision)
        changed._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        changed.save()
        release_catalogue(by=by)
    return len(fresh)


def _guessed(model: str) -> list[str]:
    name = model.casefold()
    if "embed" in name:
        return ["embedding"]
    return ["image"] if any(part in name for part in IMAGE_NAMES) else ["chat"]


def delete_endpoint(key: str, *, expected_revision: int, by: Any) -> None:
    """Delete it with its key and models; its history stays. Raises `OnlyRoute`, `StaleRevision`, `NotFound`."""
    with transaction.atomic():
        endpoint = claim_revision(key, expected_revision)
        refuse_removal([endpoint])
        endpoint._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        endpoint.delete()
        release_catalogue(by=by)


def claim_revision(key: str, expected: int) -> Endpoint:
    """The endpoint at its next revision, for the caller to change in this transaction.

    Raises `StaleRevision`, with what changed since, unless it is at `expected`.
    Concurrency: one conditional update; one of two wins.
    """
    if not Endpoint.objects.filter(key=key, revision=expected).update(revision=F("revision") + 1):
        refuse_stale(endpoint_of(key), expected)
    return endpoint_of(key)


def refuse_stale(endpoint: Endpoint, expected: int) -> None:
    """Raises `StaleRevision`, with what changed since `expected`, unless `endpoint` is at it."""
    if endpoint.revision != expected:
        raise StaleRevision(details={"revision": endpoint.revision, **meanwhile(endpoint, expected)})


def _released(endpoint: Endpoint, secret: str, *, by: Any) -> None:
    if secret:
        set_secret(endpoint, secret, by=by)
    else:
        release_catalogue(by=by)


def _written(endpoint: Endpoint, fields: Fields, *, by: Any) -> Endpoint:
    """Raises `ValidationError`, `InvalidRequest`."""
    for field, value in fields.items():
        setattr(endpoint, field, value)
    if endpoint.handler_key not in handlers():
        raise _invalid("/handler", "choice", ", ".join(sorted(handlers())))
    try:
        endpoint.full_clean(validate_unique=False)
        endpoint._history_user = by  # type: ignore[attr-defined]  # simple-history's documented attribute
        endpoint.save()
    finally:
        endpoint.__dict__.pop("_history_user", None)
    return endpoint


def _replace_offers(endpoint: Endpoint, given: Sequence[Fields]) -> None:
    """A model that stays keeps what is not said of it."""
    names = [offer["model"] for offer in given]
    if len(names) != len({name.casefold() for name in names}) or len(names) > MOST_OFFERS:
        raise _invalid("/offers", "unique", f"Each model once, {MOST_OFFERS} at most.")
    present = {offer.model: offer for offer in Offer.objects.filter(endpoint=endpoint)}
    Offer.objects.filter(pk__in=[offer.pk for name, offer in present.items() if name not in names]).delete()
    for fields in given:
        offer = present.get(fields["model"]) or Offer(endpoint=endpoint)
        for field, value in fields.items():
            setattr(offer, field, value)
        offer.full_clean(validate_unique=False, validate_constraints=False)
        offer.save()


def _invalid(pointer: str, code: str, words: str) -> InvalidRequest:
    return InvalidRequest(details={"errors": [{"pointer": pointer, "code": code, "message": words}]})
