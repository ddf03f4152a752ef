"""Every route of the management API of pipelines, below `/api/v1/admin/`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
