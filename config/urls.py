"""Every Django route. The hot lane's routes are registered by the apps, see `apps.core.lane`."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from apps.core import health, storefront
from apps.core.permissions import Public

handler400 = "apps.core.error_handling.bad_request"
handler403 = "apps.core.error_handling.permission_denied"
handler404 = "apps.core.error_handling.not_found"
handler500 = "apps.core.error_handling.server_error"

urlpatterns = [
    path("", include("apps.core.status.page")),
    path("", include("apps.providers.usage.page")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("health", health.health),
    path("healthz", health.health),
    path("health/db", health.health_db),
    path("health/redis", health.health_redis),
    path("readyz", health.readyz),
    path("version", health.version),
    path("openapi.json", SpectacularJSONAPIView.as_view(permission_classes=[Public]), name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi", permission_classes=[Public]), name="docs"),
    path("api/v1/auth/", include("apps.accounts.api")),
    path("api/v1/", include("apps.accounts.keys.api")),
    path("api/v1/", include("apps.providers.usage.api")),
    path("api/v1/", include("apps.core.storage.api")),
    path("api/v1/", include("apps.quotas.api")),
    path("api/v1/admin/", include("apps.core.status.api")),
    path("api/v1/admin/", include("apps.features.api.urls")),
    path("api/v1/admin/", include("apps.providers.api_standing")),
    path("api/v1/admin/", include("apps.mcp.api.urls")),
    path("api/v1/admin/", include("apps.pipelines.api.urls")),
    path("api/v1/admin/", include("apps.prompts.api.urls")),
    path("api/v1/admin/", include("apps.providers.api.urls")),
    path("api/v1/admin/", include("apps.tasks.trials.api")),
    path("api/v1/", include("apps.tasks.api")),
    re_path(r"^(?:|sign-in|tasks|tasks/[0-9a-f-]+|f/[a-z0-9-]+)$", storefront.page, name="storefront"),
]
