"""Who may call the management API of features."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.permissions import HasPermission, allows
from apps.core.publishing.models import Plan
from apps.features.models import Feature
from apps.features.publishing import SCOPE


def named(request: Request, view: APIView) -> Feature | None:
    """The one feature that a call is about, by its address, its plan, or its body."""
    body = request.data if isinstance(request.data, dict) else {}
    key = view.kwargs.get("key") or _key_of_plan(view.kwargs.get("plan_id")) or body.get("key")
    return Feature.objects.filter(key=key).first() if isinstance(key, str) else None


def _key_of_plan(plan_id: int | None) -> str | None:
    rows = Plan.objects.filter(pk=plan_id, scope=SCOPE) if plan_id else Plan.objects.none()
    return rows.values_list("key", flat=True).first()


MayListOrCreate = HasPermission.of(read="features:read", write="features:create", model=Feature)
ReadOrEdit = HasPermission.of(read="features:read", write="features:write", find=named)
ReadOrPublish = HasPermission.of(read="features:read", write="features:publish", find=named)
MayEdit = HasPermission.of(read="features:write", write="features:write", find=named)
MayDelete = HasPermission.of(read="features:delete", write="features:delete", find=named)
MayPublish = HasPermission.of(read="features:publish", write="features:publish", find=named)
MayRollBack = HasPermission.of(read="features:rollback", write="features:rollback", find=named)


class ReadEditOrDelete(ReadOrEdit):  # type: ignore[misc, valid-type]  # made by `of`
    """Reads and changes as `ReadOrEdit`; deletes with the right to delete."""

    @classmethod
    def needed(cls, method: str | None) -> str:
        right: str = MayDelete.write if method == "DELETE" else super().needed(method)
        return right


class EditOrPublish(MayEdit):  # type: ignore[misc, valid-type]  # made by `of`
    """For who may change a feature, and for who was given the right to publish it and no other."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return allows(request.user, MayPublish.write, named(request, view)) or super().has_permission(request, view)


class ReadOrPropose(ReadOrEdit):  # type: ignore[misc, valid-type]  # made by `of`
    """Reads as `ReadOrEdit`; writes as `EditOrPublish`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        writes = request.method not in SAFE_METHODS
        may_publish = writes and allows(request.user, MayPublish.write, named(request, view))
        return may_publish or super().has_permission(request, view)
