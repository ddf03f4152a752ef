"""The estimate of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("four", 1),
        ("fives", 2),
        ("写一首诗", 4),
        ("写一首诗 about tea", 7),
        ("かな한글", 4),
        ("，。", 2),
        ("é" * 4, 2),
        ("\ud800", 1),
    ],
)
def test_estimate__text__counts_wide_characters_and_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_estimate__two_texts__is_at_most_their_sum(one: str, other: str) -> None:
    together = estimate_tokens(one + other)

    assert max(estimate_tokens(one), estimate_tokens(other)) <= together
    assert together <= estimate_tokens(one) + estimate_tokens(other)
