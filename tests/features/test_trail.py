"""A place in a draft or a release is told in the words of the form."""

import pytest
from django.utils import translation

from apps.features.models import Feature
from apps.features.trail import trail

PAYLOAD = {
    "form": {
        "schema": {
            "properties": {
                "size": {"title": "Size", "x-i18n": {"zh-hans": {"title": "尺寸"}}},
                "default": {"type": "string"},
                "odd/name": {"title": 7},
            }
        }
    },
    "pipeline": {"graph": {"nodes": [{"id": "cut", "title": {"en": "Cut out", "zh-hans": "抠图"}}, "odd"]}},
}


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/cost", "price (credits per run)"),
        ("/enabled", "shown in the menu"),
        ("/title/zh-hans", "title (Chinese)"),
        ("/menu/order", "order"),
        ("/menu/title/en", "menu group › title"),
        ("/form/schema/properties/size/default", "form › Size › default value"),
        ("/form/schema/properties/size/x-i18n/zh-hans/title", "form › Size › Simplified Chinese › title"),
        ("/form/schema/properties/default", "form › default"),
        ("/form/schema/properties/odd~1name/maxLength", "form › odd/name › greatest length"),
        ("/form/schema/properties/gone/type", "form › gone › type"),
        ("/form/schema/required", "form › needed fields"),
        ("/form/ui/ui:order", "form appearance › order of the fields"),
        ("/output/schema/properties/text", "output › text"),
        ("/pipeline/graph/nodes/cut/config/tool", "pipeline › Cut out › settings › tool"),
        ("/pipeline/graph/edges", "pipeline › connections"),
        ("/pipeline/cut/config.tool", "pipeline › Cut out › settings › tool"),
        ("/pipeline/ghost", "pipeline › ghost"),
        ("/pipeline", "pipeline"),
        ("/pipelines/title/graph/nodes/a", "pipeline › title › a"),
        ("/prompts/body/body", "prompt › body › user text"),
        ("/form_schema/properties/size/maximum", "form › size › largest value"),
        ("/title_zh", "title (Chinese)"),
        ("/later/thing", "later › thing"),
        ("/", "everything"),
        ("", "everything"),
    ],
)
def test_trail__place__is_told_in_the_words_of_the_form(pointer, words):
    assert trail(pointer, PAYLOAD) == words


@pytest.mark.parametrize("name", [field.name for field in Feature._meta.concrete_fields])
def test_trail__every_field_of_a_draft__has_its_own_name(name):
    assert trail(f"/{name}") == str(Feature._meta.get_field(name).verbose_name)


def test_trail__reader_of_chinese__gets_the_titles_in_chinese():
    with translation.override("zh-hans"):
        told = trail("/form/schema/properties/size", PAYLOAD), trail("/pipeline/graph/nodes/cut", PAYLOAD)

    assert [words.split(" › ")[1] for words in told] == ["尺寸", "抠图"]


@pytest.mark.parametrize("payload", [None, {}, {"form": []}, {"form": {"schema": {"properties": {"size": "x"}}}}])
def test_trail__payload_of_another_shape__falls_back_to_the_name(payload):
    assert trail("/form/schema/properties/size/default", payload) == "form › size › default value"
