"""`POST /api/v1/uploads`."""

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import SignedIn
from apps.core.storage import services
from apps.core.storage.errors import UploadTooLarge

ENVELOPE_BYTES = 16 * 1024  # the multipart headers around the file


class UploadSerializer(serializers.Serializer[None]):
    file = serializers.FileField(allow_empty_file=True)


class FileSerializer(serializers.Serializer[None]):
    """A stored file as its owner sees it; `url` lapses after ten minutes, read the resource again for a fresh one."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    mime = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    size = serializers.IntegerField()
    name = serializers.CharField()


class UploadView(APIView):
    """Verifies and keeps a picture: JPEG, PNG or WebP, by content and never by name."""

    permission_classes = [SignedIn]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="uploads_create",
        tags=["files"],
        request={"multipart/form-data": UploadSerializer},
        responses={201: FileSerializer},
    )
    def post(self, request: Request) -> Response:
        _refuse_before_reading(request)
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        upload = form.validated_data["file"]
        stored = services.accept_image(upload, name=upload.name or "", owner=request.user)
        return Response(services.describe(stored), status=status.HTTP_201_CREATED)


def _refuse_before_reading(request: Request) -> None:
    """An announced size above the limit is answered before a byte of it is kept. Raises `UploadTooLarge`."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if int(announced) > settings.UPLOAD_MAX_BYTES + ENVELOPE_BYTES:
        raise UploadTooLarge(limit=settings.UPLOAD_MAX_BYTES // (1024 * 1024))


urlpatterns = [path("uploads", UploadView.as_view())]
