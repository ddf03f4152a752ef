"""`/api/v1/admin/trials*` and the replay of tasks; trials are started and watched on the hot lane."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
