"""One id per request, in both lanes."""

import re

import pytest

from apps.core.request_id import accept_or_mint
from tests.conftest import Api

LANES = ["/version", "/api/v1/ui/menus"]


@pytest.mark.parametrize("address", LANES)
def test_bind__well_formed__is_returned(db, address):
    answer = Api().get(address, headers={"X-Request-Id": "trace-42.a:b_c"})

    assert answer.headers["X-Request-Id"] == "trace-42.a:b_c"


@pytest.mark.parametrize("address", LANES)
@pytest.mark.parametrize("given", [None, "short", "x" * 65, "spaces are no", "<script>alert"])
def test_bind__absent_or_malformed__mints_one(db, address, given):
    answer = Api().get(address, headers={"X-Request-Id": given} if given else {})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize("given", ["abcdefgh\n", "abcdefgh\r\nSet-Cookie: a=b", "abcdefgé1", ""])
def test_accept__control_characters__mints_one(given):
    assert re.fullmatch(r"[0-9a-f]{32}", accept_or_mint(given))
