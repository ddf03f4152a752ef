"""Paiban as an MCP server at `/mcp`, and tools run over `/api/v1/ai/tools/run`."""
