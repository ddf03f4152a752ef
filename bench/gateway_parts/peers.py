"""Other gateways before the same upstream, each as fast as it is known to go with one worker.

They are looked for where `PAIBAN_BENCH_LITELLM` (a Python with `litellm[proxy]` and `opentelemetry-sdk`) and
`PAIBAN_BENCH_PORTKEY` (a folder with `@portkey-ai/gateway` and `@hono/node-server` 1.13.8) say.
"""

import os
import subprocess
from pathlib import Path

from bench.gateway_parts.load import Target
from ops.processes import free_port

MASTER = "sk-bench-0123456789"


def start(name: str, upstream: int, folder: Path) -> tuple[Target, "subprocess.Popen[bytes]"]:
    """The running peer. Raises `SystemExit` when it is not there."""
    return {"litellm": _litellm, "portkey": _portkey}[name](upstream, folder)


def _found(variable: str) -> Path:
    path = Path(os.environ.get(variable, ""))
    if not os.environ.get(variable) or not path.exists():
        raise SystemExit(f"{variable} does not name where the peer is installed; see bench/README.md")
    return path


def _litellm(upstream: int, folder: Path) -> tuple[Target, "subprocess.Popen[bytes]"]:
    python, port = _found("PAIBAN_BENCH_LITELLM"), free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: bench-chat\n"
        "    litellm_params:\n"
        "      model: openai/bench-chat\n"
        f"      api_base: http://127.0.0.1:{upstream}/v1\n"
        "      api_key: sk-upstream\n"
        "general_settings:\n"
        f"  master_key: {MASTER}\n"
        "litellm_settings:\n"
        "  telemetry: false\n"
        "  set_verbose: false\n"
    )
    command = [str(python.parent / "litellm"), "--config", str(config), "--port", str(port), "--host", "127.0.0.1"]
    environment = {**os.environ, "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "*"}
    process = subprocess.Popen(
        [*command, "--num_workers", "1"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return Target("litellm", port, headers={"Authorization": f"Bearer {MASTER}"}), process


def _portkey(upstream: int, folder: Path) -> tuple[Target, "subprocess.Popen[bytes]"]:
    place, port = _found("PAIBAN_BENCH_PORTKEY"), free_port()
    script = place / "node_modules/@portkey-ai/gateway/build/start-server.js"
    environment = {**os.environ, "NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}
    process = subprocess.Popen(
        ["node", str(script), "--headless", f"--port={port}"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    headers = {
        "Authorization": "Bearer sk-upstream",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
    }
    return Target("portkey", port, headers=headers), process
