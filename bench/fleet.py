"""Readers in processes of their own, for the figures that need several: each watches one key and tells what it sees."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SCOPE, KEY = os.environ.get("PAIBAN_BENCH_WATCHED", "bench/watched").split("/")


class Watcher:
    """A process that follows the configuration. It answers `report` with what it saw, and when."""

    def __init__(self, *, deaf: bool = False) -> None:
        argv = [sys.executable, "-m", "bench.fleet", *(["--deaf"] if deaf else [])]
        self._child = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        assert self.hear() == "ready"

    def ask(self, question: str) -> Any:
        assert self._child.stdin is not None
        self._child.stdin.write(question + "\n")
        self._child.stdin.flush()
        return self.hear()

    def hear(self) -> Any:
        assert self._child.stdout is not None
        return json.loads(self._child.stdout.readline())

    def stop(self) -> None:
        self._child.terminate()
        self._child.wait(timeout=20)


def watch(*, deaf: bool) -> None:
    """Note the moment at which each revision is served; `deaf` hears no message and has only the poll."""
    import django

    django.setup()
    from apps.core.config import reader, subscriber

    if deaf:
        subscriber._heard = _unheard
    seen: dict[int, float] = {}
    changed = threading.Event()

    def note(_revision: int) -> None:
        changed.set()

    reader.listen(note)
    reader.get(SCOPE, KEY)
    threading.Thread(target=_follow, args=(reader, changed, seen), daemon=True).start()
    time.sleep(1)  # the subscriber's connection
    print(json.dumps("ready"), flush=True)
    for question in sys.stdin:
        if question.strip() == "version":
            print(json.dumps(reader.get(SCOPE, KEY)[0]), flush=True)
        else:
            others = [reader.metrics.loads[layer] for layer in ("redis", "table")]
            print(json.dumps({"seen": seen, "loads": others, "resyncs": reader.metrics.resyncs}), flush=True)


def _unheard(pubsub: Any) -> Any:
    from apps.core.config.subscriber import Heard

    while pubsub.get_message(timeout=0.5) is not None:
        pass
    return Heard([], anew=False)


def _follow(reader: Any, changed: threading.Event, seen: dict[int, float]) -> None:
    while True:
        changed.wait()
        changed.clear()
        version, payload = reader.get(SCOPE, KEY)
        assert payload.get("n", version) == version
        seen.setdefault(version, time.monotonic())


if __name__ == "__main__":
    watch(deaf="--deaf" in sys.argv)
