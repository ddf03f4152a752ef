"""Who may call the management API of prompts."""

from apps.core.permissions import HasPermission

MayListOrCreate = HasPermission.of(read="prompts:read", write="prompts:create")
ReadOrEdit = HasPermission.of(read="prompts:read", write="prompts:write")
MayDelete = HasPermission.of(read="prompts:delete", write="prompts:delete")
MayRead = HasPermission.of(read="prompts:read", write="prompts:read")


class ReadEditOrDelete(ReadOrEdit):  # type: ignore[misc, valid-type]  # made by `of`
    """Reads and changes as `ReadOrEdit`; deletes with the right to delete."""

    @classmethod
    def needed(cls, method: str | None) -> str:
        right: str = MayDelete.write if method == "DELETE" else super().needed(method)
        return right
