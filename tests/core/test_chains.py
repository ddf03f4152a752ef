"""Chains of names: compared with every path, walked one by one."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.chains import is_circle, longest_chain

graphs = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), max_size=6)


def paths(graph: dict[str, list[str]], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if len(set(path)) == len(path):
        for following in graph.get(path[-1], []):
            yield from paths(graph, (*path, following))


@pytest.mark.parametrize(
    ("graph", "chain"),
    [
        ({}, "a"),
        ({"a": ["b", "c"], "c": ["d"]}, "acd"),
        ({"a": ["a"]}, "aa"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "bcb"),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"]}, "abd"),
    ],
)
def test_chain__graph__is_the_longest_or_a_circle(graph, chain):
    assert longest_chain("a", lambda name: graph.get(name, [])) == tuple(chain)


@given(graphs)
def test_chain__random_graph__agrees_with_walking_every_path(graph):
    every = list(paths(graph, ("a",)))

    found = longest_chain("a", lambda name: graph.get(name, []))

    circles = [path for path in every if len(set(path)) < len(path)]
    assert is_circle(found) is bool(circles)
    if circles:
        assert found in {path[path.index(path[-1]) :] for path in circles}
    else:
        assert len(found) == max(map(len, every))
