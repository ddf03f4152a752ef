"""`/`: one page that knows no feature, and may load nothing from elsewhere."""

import json
import re
from itertools import accumulate
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from apps.core import assets
from apps.core.assets import FrontEndNotBuilt, entry_assets
from tests.conftest import Api

PATHS = ["/", "/sign-in", "/tasks", "/tasks/0b6f-1", "/f/product-photo"]


@pytest.fixture
def built(monkeypatch):
    manifest = {
        "src/boot.ts": {"file": "boot-1.js"},
        "src/storefront.tsx": {"file": "shop-1.js", "css": ["shop-1.css"], "imports": ["_a.js"]},
        "_a.js": {"file": "a-1.js", "imports": ["_a.js"], "css": ["a-1.css"]},
    }
    monkeypatch.setattr(assets, "_manifest", lambda: manifest)


def test_assets__entry__are_followed_through_imports(built):
    found = entry_assets("src/storefront.tsx")

    assert found.scripts == ["/static/build/shop-1.js"]
    assert found.preloads == ["/static/build/a-1.js"]
    assert found.styles == ["/static/build/shop-1.css", "/static/build/a-1.css"]
    assert found.boot == ["/static/build/boot-1.js"]


def test_assets__unknown_entry_or_no_build__says_what_to_do(built, monkeypatch, settings, tmp_path):
    with pytest.raises(FrontEndNotBuilt, match="make frontend"):
        entry_assets("src/none.tsx")

    monkeypatch.undo()
    settings.BASE_DIR = tmp_path
    with pytest.raises(FrontEndNotBuilt, match="make frontend"):
        entry_assets("src/storefront.tsx")


def test_assets__new_build__is_read_without_a_restart(monkeypatch, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    path = tmp_path / "static" / "build" / "manifest.json"
    path.parent.mkdir(parents=True)
    seen = []
    for number in (1, 2):
        path.write_text(json.dumps({"e": {"file": f"e-{number}.js"}}))
        import os

        os.utime(path, ns=(number, number))
        seen += entry_assets("e").scripts

    assert seen == ["/static/build/e-1.js", "/static/build/e-2.js"]


@pytest.mark.parametrize("path", PATHS)
def test_page__any_address_of_the_storefront__is_the_same_inert_page(db, built, path):
    answer = Api().get(path)

    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert 'src="/static/build/shop-1.js"' in answer.text


def test_page__markup__has_no_inline_script_style_or_foreign_address(db, built):
    text = Api().get("/").text

    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|https?://", text) == []


def test_page__template__names_no_feature(db, built):
    text = (Path(django_settings.BASE_DIR) / "templates" / "storefront.html").read_text()

    assert "product" not in text
    assert "copywriter" not in text


def test_stylesheet__admin__every_block_is_closed():
    text = re.sub(
        r"/\*.*?\*/", "", (Path(django_settings.BASE_DIR) / "static/paiban/admin.css").read_text(), flags=re.S
    )

    depths = list(accumulate({"{": 1, "}": -1}.get(mark, 0) for mark in text))

    assert (depths[-1], min(depths), max(depths)) == (0, 0, 2)
