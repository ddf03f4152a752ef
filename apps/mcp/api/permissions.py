"""Who may call the management API of tool servers. To call a tool by hand is to write."""

from apps.core.permissions import HasPermission

MayListOrCreate = HasPermission.of(read="mcp:read", write="mcp:create")
MayRead = HasPermission.of(read="mcp:read", write="mcp:read")
ReadOrWrite = HasPermission.of(read="mcp:read", write="mcp:write")
MayWrite = HasPermission.of(read="mcp:write", write="mcp:write")
MayDelete = HasPermission.of(read="mcp:delete", write="mcp:delete")


class ReadWriteOrDelete(ReadOrWrite):  # type: ignore[misc, valid-type]  # made by `of`
    """Reads and changes as `ReadOrWrite`; deletes with the right to delete."""

    @classmethod
    def needed(cls, method: str | None) -> str:
        right: str = MayDelete.write if method == "DELETE" else super().needed(method)
        return right
