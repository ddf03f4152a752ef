"""Released features behind other protocols: as models of OpenAI's API and as MCP tools. Each run is a task."""
