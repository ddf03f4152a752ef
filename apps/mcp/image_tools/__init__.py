"""The image tools Paiban ships as an MCP server: `python -m apps.mcp.image_tools --root <folder>`.

Nothing here knows Django. `server` and `schemas` are light, so that the tools are listed quickly;
`actions` and all below it load the image libraries and are imported at the first call.
"""
