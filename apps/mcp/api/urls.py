"""Every route of the management API of tool servers."""

from apps.mcp.api import servers, tools

urlpatterns = [*servers.urlpatterns, *tools.urlpatterns]
