"""The history of a row tells what changed: JSON place by place, yes and no in words."""

import pytest
from django.urls import reverse

from apps.core import assets
from apps.features.models import Feature
from tests.features.builders import make_feature


@pytest.fixture(autouse=True)
def _front_end(monkeypatch):
    manifest = {entry: {"file": "x-1.js"} for entry in ("src/boot.ts", "src/admin.tsx", "src/storefront.tsx")}
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


@pytest.fixture
def page(client, viewer):
    """The history of the feature, as its text."""
    made = make_feature()
    client.force_login(viewer)

    def read(**changes: object) -> str:
        feature = Feature.objects.get(pk=made.pk)
        for name, value in changes.items():
            setattr(feature, name, value)
        feature.save()
        return str(client.get(reverse("admin:features_feature_history", args=[made.pk])).content.decode())

    return read


def test_history__deep_json__names_the_place_and_both_values(page):
    form = {"type": "object", "properties": {"name": {"type": "string", "title": "<Your> name"}}}

    text = page(form_schema=form)

    assert "<dt>Form › properties › name › title</dt>" in text
    assert "<del>Name</del>" in text
    assert "<ins>&lt;Your&gt; name</ins>" in text
    assert "chars]" not in text


def test_history__switch__is_told_as_yes_and_no(page):
    text = page(enabled=False)

    told = text.split("<dt>Shown in the menu</dt>")[1].split("</dd>")[0]
    assert ("<del>yes</del>" in told, "<ins>no</ins>" in told) == (True, True)


def test_history__value_taken_away__is_not_none(page):
    text = page(cost=None)

    assert "<dt>Price (credits per run)</dt><dd><del>2</del> " in text
    assert "None" not in text.split('data-testid="history"')[1]


def test_history__many_places__tells_the_first_and_how_many_more(page):
    text = page(ui_schema={f"field{number:02}": {} for number in range(12)})

    assert ("field07" in text, "field08" in text, "and 4 more" in text) == (True, False, True)
