"""`/api/v1/admin/prompts/preview` and `/words`: what an editor needs while somebody writes."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.prompts.api.permissions import MayRead
from apps.prompts.api.requests import object_of
from apps.prompts.api.serializers import PromptPreviewRequestSerializer, PromptPreviewSerializer, WordsSerializer
from apps.prompts.preview import look_at
from apps.prompts.words import words


class PreviewView(APIView):
    """A text that need not be saved, filled with values. Problems of the text are part of the answer, not a refusal."""

    permission_classes = [MayRead]

    @extend_schema(
        operation_id="admin_prompts_preview",
        tags=["admin"],
        request=PromptPreviewRequestSerializer,
        responses=PromptPreviewSerializer,
        description="Lines and columns count from 1, columns in UTF-16 units. Tokens are an estimate; `price` is null "
        "where the model's price is not known. Values are data: nothing in them is rendered.",
    )
    def post(self, request: Request) -> Response:
        form = PromptPreviewRequestSerializer(data=object_of(request))
        form.is_valid(raise_exception=True)
        given = form.validated_data
        content = {"system": given["system"], "body": given["body"], "variables": given.get("variables", [])}
        return Response(look_at(content, given["values"], key=given["key"], model=given["model"]).as_dict())


class WordsView(APIView):
    """Filters, tags, types, and prompts with their versions and labels, for completion and help."""

    permission_classes = [MayRead]

    @extend_schema(operation_id="admin_prompts_words", tags=["admin"], responses=WordsSerializer)
    def get(self, request: Request) -> Response:
        return Response(words())


urlpatterns = [
    path("prompts/preview", PreviewView.as_view()),
    path("prompts/words", WordsView.as_view()),
]
