"""Every route of the management API of endpoints."""

from apps.providers.api import connection, endpoints

# Words before keys: `providers/test` is no endpoint called "test".
urlpatterns = [*connection.urlpatterns, *endpoints.urlpatterns]
