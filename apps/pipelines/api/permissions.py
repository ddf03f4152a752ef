"""Who may call the management API of pipelines."""

from apps.core.permissions import HasPermission

MayListOrCreate = HasPermission.of(read="pipelines:read", write="pipelines:create")
ReadOrEdit = HasPermission.of(read="pipelines:read", write="pipelines:write")
MayDelete = HasPermission.of(read="pipelines:delete", write="pipelines:delete")
MayRead = HasPermission.of(read="pipelines:read", write="pipelines:read")


class ReadEditOrDelete(ReadOrEdit):  # type: ignore[misc, valid-type]  # made by `of`
    """Reads and changes as `ReadOrEdit`; deletes with the right to delete."""

    @classmethod
    def needed(cls, method: str | None) -> str:
        right: str = MayDelete.write if method == "DELETE" else super().needed(method)
        return right
