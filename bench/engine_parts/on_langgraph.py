"""Milliseconds that LangGraph takes for a node that does nothing. Runs in its own Python, without the product.

With `--memory` it keeps checkpoints in memory; nothing is durable either way.
"""

import asyncio
import json
import operator
import statistics
import sys
import time
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, StateGraph

NODES, ROUNDS, WARM = 20, 60, 10


class State(TypedDict):
    done: Annotated[list[str], operator.add]


def compiled(*, parallel: bool, memory: bool) -> Any:
    graph = StateGraph(State)
    names = [f"n{number}" for number in range(NODES)]
    for name in names:

        async def nothing(state: State, name: str = name) -> dict[str, list[str]]:
            return {"done": [name]}

        graph.add_node(name, nothing)
    if parallel:
        for name in names:
            graph.add_edge(START, name)
            graph.add_edge(name, END)
    else:
        for here, after in zip([START, *names], [*names, END], strict=True):
            graph.add_edge(here, after)
    return graph.compile(checkpointer=MemorySaver() if memory else None)


async def milliseconds(*, parallel: bool, memory: bool) -> float:
    flow, taken = compiled(parallel=parallel, memory=memory), []
    for number in range(ROUNDS):
        config = {"configurable": {"thread_id": str(number)}, "recursion_limit": NODES + 5}
        began = time.perf_counter()
        made = await flow.ainvoke({"done": []}, config)
        taken.append((time.perf_counter() - began) * 1000 / NODES)
        assert len(made["done"]) == NODES
    return statistics.median(taken[WARM:])


async def main() -> None:
    memory = "--memory" in sys.argv
    shapes = {"sequential": False, "parallel": True}
    print(json.dumps({name: await milliseconds(parallel=way, memory=memory) for name, way in shapes.items()}))


if __name__ == "__main__":
    asyncio.run(main())
