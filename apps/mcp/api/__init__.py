"""`/api/v1/admin/mcp`: the management API of tool servers."""
