"""Publishing a feature with a 30-node pipeline and 10 prompts, and a rollback until four other processes serve it.

The floor in the same run: one committed row.

Run: `.venv/bin/python -m bench.publish_latency [--count 100]`.
"""

import argparse
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

KEY = "large"
PROMPTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="paiban-bench-", ignore_cleanup_errors=True) as folder:
        measure(options.count, Path(folder))


def measure(count: int, folder: Path) -> None:
    from ops.redis_server import start_redis

    with start_redis(folder / "redis") as server:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "PAIBAN_TEST_DATA_DIR": str(folder),
            "REDIS_URL": server.url,
            "PAIBAN_BENCH_WATCHED": f"feature/{KEY}",
        }
        prepare()
        from bench.fleet import Watcher

        watchers = [Watcher() for _ in range(4)]
        try:
            run(count, watchers)
        finally:
            for watcher in watchers:
                watcher.stop()


def prepare() -> None:
    """A released feature of the size that is asked about."""
    import django

    django.setup()
    from django.core.management import call_command

    from apps.core import logging
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature
    from apps.pipelines.models import Pipeline
    from apps.prompts.models import Prompt
    from apps.providers.models import Endpoint, Offer
    from apps.providers.services import release_catalogue

    logging.configure(fmt="console", level="CRITICAL")
    call_command("migrate", verbosity=0)
    endpoint = Endpoint.objects.create(key="mock", name="mock", handler_key="mock")
    Offer.objects.create(endpoint=endpoint, model="mock-1", capabilities=["chat"])
    release_catalogue(by=None)
    for number in range(PROMPTS):
        body = "Write about {{ name }}.\n" + "A line of the prompt.\n" * 40
        Prompt.objects.create(key=f"p{number}", name="p", body=body, variables=[{"name": "name", "required": True}])
    pipeline = Pipeline.objects.create(key=KEY, name=KEY, graph=graph())
    fields = {f"field{n}": {"type": "string", "title": f"Field {n}"} for n in range(20)}
    Feature.objects.create(
        key=KEY,
        title="Large",
        cost=1,
        menu=MenuGroup.objects.create(key="m", title="M"),
        pipeline=pipeline,
        form_schema={"type": "object", "properties": fields},
        output_schema={"type": "object", "properties": {"text": {"type": "string"}}},
    )
    publish_feature(KEY, by=None)


def graph() -> dict[str, Any]:
    """start, ten prompts with a model each, eight more models, end: 30 nodes in a row."""
    nodes: list[dict[str, Any]] = [{"id": "start", "type": "start"}]
    last = "start.field0"
    for number in range(18):
        if number < PROMPTS:
            inputs = {"name": f"{{{{ {last} }}}}"}
            nodes.append({"id": f"ask{number}", "type": "prompt", "config": {"prompt": f"p{number}"}, "inputs": inputs})
            last = f"ask{number}.text"
        nodes.append({"id": f"say{number}", "type": "llm_chat", "config": {}, "inputs": {"text": f"{{{{ {last} }}}}"}})
        last = f"say{number}.text"
    nodes.append({"id": "end", "type": "end", "inputs": {"text": f"{{{{ {last} }}}}"}})
    return {"nodes": nodes, "edges": [{"source": a["id"], "target": b["id"]} for a, b in pairwise(nodes)]}


def run(count: int, watchers: list[Any]) -> None:
    from apps.features.models import Feature, MenuGroup
    from apps.features.services import publish_feature, rollback_feature
    from bench.config_delay import told, wait_for

    published, rolled, visible, floor = [], [], [], []
    for number in range(count):
        began = time.monotonic()
        MenuGroup.objects.filter(key="m").update(order=number)
        floor.append(time.monotonic() - began)
        Feature.objects.filter(key=KEY).update(cost=100 + number)
        began = time.monotonic()
        snapshot = publish_feature(KEY, by=None)
        published.append(time.monotonic() - began)
        began = time.monotonic()
        back = rollback_feature(KEY, to_version=snapshot.version - 1, by=None)
        rolled.append(time.monotonic() - began)
        wait_for(back.version, watchers, seconds=10)
        seen = [watcher.ask("report")["seen"][str(back.version)] for watcher in watchers]
        visible.append(max(seen) - began)
    told("publish: 30 nodes, 10 prompts, 20 fields", published)
    told("rollback", rolled)
    told("rollback to served by all of 4 processes", visible)
    told("one committed row", floor)
    print(f"ratio of a publish to a row, p50: {sorted(published)[count // 2] / sorted(floor)[count // 2]:.1f}")


if __name__ == "__main__":
    main()
