"""`/api/v1/admin/templates*`: the gallery of ready features."""

from django.urls import path
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.permissions import HasPermission
from apps.features.gallery import templates
from apps.features.gallery.importing import import_template
from apps.features.gallery.rights import may_import
from apps.features.models import key_validator

MayLook = HasPermission.of(read="features:read", write="features:create")


class MayImport(MayLook):  # type: ignore[misc, valid-type]  # made by `of`
    """Writes with the rights to create features, pipelines and prompts."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and may_import(request.user)


class TemplateSerializer(serializers.Serializer[None]):
    key = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    shows = serializers.CharField(help_text="What one learns from it.")
    icon = serializers.CharField()
    cost = serializers.IntegerField()
    steps = serializers.IntegerField()
    cases = serializers.ListField(child=serializers.CharField())
    capabilities = serializers.ListField(child=serializers.CharField())
    tools = serializers.ListField(child=serializers.CharField())


class TemplateListSerializer(serializers.Serializer[None]):
    items = TemplateSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ImportSerializer(serializers.Serializer[None]):
    key = serializers.CharField(max_length=64, required=False, validators=[key_validator])


class ImportedSerializer(serializers.Serializer[None]):
    feature = serializers.CharField()
    pipeline = serializers.CharField()
    cases = serializers.IntegerField()


class TemplateListView(APIView):
    """Every template, in the order of the gallery, in the caller's language."""

    permission_classes = [MayLook]

    @extend_schema(operation_id="admin_templates_list", tags=["admin"], responses=TemplateListSerializer)
    def get(self, request: Request) -> Response:
        language = get_language() or "en"
        return Response({"items": [template.told(language) for template in templates().values()], "next": None})


class ImportView(APIView):
    """Make a feature of a template: drafts only, nothing goes live, nothing is overwritten."""

    permission_classes = [MayImport]

    @extend_schema(
        operation_id="admin_templates_import",
        tags=["admin"],
        request=ImportSerializer,
        responses={201: ImportedSerializer},
        description="404 `FEATURES_2090`; 409 `FEATURES_2082` when `key` is taken, `FEATURES_2091` without a heading.",
    )
    def post(self, request: Request, key: str) -> Response:
        form = ImportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        feature = import_template(key, by=request.user, feature_key=form.validated_data.get("key", ""))
        pipeline = feature.pipeline
        body = {"feature": feature.key, "pipeline": pipeline.key, "cases": pipeline.cases.count()}
        return Response(body, status=201)


urlpatterns = [
    path("templates", TemplateListView.as_view()),
    path("templates/<slug:key>/import", ImportView.as_view()),
]
