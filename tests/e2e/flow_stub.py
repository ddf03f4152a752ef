"""The management API of pipelines as the flow editor needs it, in memory: colleagues, problems and runs on demand."""

import json
import re
from typing import Any

from playwright.sync_api import Page, Request, Route

ROOT = re.compile(r"/api/v1/admin/(pipelines|trials)(/|$)")
PAGE = re.compile(r"/admin/pipelines/pipeline/[0-9]+/change/$")
DATA = re.compile(r'(<script id="flow-data"[^>]*>)(.*?)(</script>)', re.DOTALL)
TEXT = {"type": "string"}
STARTED = "2026-01-02T03:04:05Z"


def start_type() -> dict[str, Any]:
    return node_type("start", "Start", "flow", single=True, outputs=None, takes={})


def node_type(
    name: str, label: str, category: str, *, out: tuple[str, ...] = ("",), single: bool = False, **more: Any
) -> dict[str, Any]:
    """One type as the registry tells it. `takes` and `needs` are its inputs, `config` the schemas of its settings."""
    takes = more.get("takes")
    inputs = {"type": "object", "properties": takes or {}, "required": more.get("needs", [])}
    config = {"type": "object", "properties": more.get("config", {}), "additionalProperties": False}
    outputs = more.get("outputs", {"type": "object", "properties": {"text": TEXT}})
    return {
        "type": name,
        "label": label,
        "help": more.get("help", ""),
        "category": category,
        "icon": more.get("icon", ""),
        "doc": "",
        "effect": "pure",
        "single": single,
        "config": {"schema": config, "ui": {}, "defaults": {}},
        "inputs": {"schema": inputs | ({"additionalProperties": False} if takes else {}), "open": not takes},
        "outputs": {"schema": outputs},
        "ports": {
            "in": [{"id": "in"}],
            "out": [{"id": one, "label": one} for one in out],
            "dynamic": more.get("dynamic"),
        },
        "policy": {
            "timeout": {"default": 30, "max": 600},
            "retries": {"default": 0, "max": 5},
            "on_error": ["fail", "continue", "fallback"],
            "unknown": ["retry", "ask", "fail"],
        },
    }


TYPES = [
    start_type(),
    node_type("end", "End", "flow", single=True, out=(), outputs={"type": "object", "properties": {}}),
    node_type("prompt", "Prompt", "models", config={"prompt": TEXT | {"title": "Prompt", "x-widget": "prompt"}}),
    node_type(
        "llm_chat",
        "Model answer",
        "models",
        takes={"system": TEXT, "text": TEXT},
        needs=["text"],
        config={
            "model": TEXT | {"title": "Model", "x-widget": "model"},
            "temperature": {"title": "Temperature", "anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
        },
    ),
    node_type(
        "condition", "Condition", "logic", out=("true", "false"), config={"expression": TEXT | {"title": "Expression"}}
    ),
    node_type(
        "switch",
        "Switch",
        "logic",
        dynamic="cases",
        config={
            "cases": {
                "title": "Cases",
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"key": TEXT | {"title": "Key"}, "expression": TEXT | {"title": "When"}},
                },
            }
        },
    ),
    node_type("image", "Image", "tools", takes={"image": TEXT | {"contentMediaType": "image/*"}}, needs=["image"]),
    node_type("sub_pipeline", "Pipeline", "flow", config={"pipeline": TEXT | {"title": "Pipeline"}}),
]
GRAPH: dict[str, Any] = {
    "schema": 2,
    "nodes": [
        {"id": "start", "type": "start", "title": {"en": "Form", "zh-hans": "表单"}, "config": {}},
        {
            "id": "copy",
            "type": "llm_chat",
            "title": {"en": "Write the copy", "zh-hans": "撰写文案"},
            "inputs": {"text": "{{ start.product }}"},
        },
        {"id": "end", "type": "end", "inputs": {"text": "{{ copy.text }}"}},
    ],
    "edges": [{"source": "start", "target": "copy"}, {"source": "copy", "target": "end"}],
}
FORM = {
    "type": "object",
    "properties": {
        "product": TEXT | {"title": "Product"},
        "photo": TEXT | {"title": "Photo", "format": "file", "contentMediaType": "image/*"},
    },
}


class FlowStub:
    """Answers one page's calls. Tests look at `writes` and change what is to be answered."""

    def __init__(self, graph: dict[str, Any] | None = None) -> None:
        self.draft: dict[str, Any] = {
            "key": "copywriter",
            "name": "Copywriter",
            "status": "draft",
            "graph": graph or json.loads(json.dumps(GRAPH)),
            "layout": {"positions": {}},
            "revision": 7,
            "updated_at": STARTED,
            "updated_by": "ada",
            "used_by": [],
        }
        self.writes: list[dict[str, Any]] = []
        self.trials: list[dict[str, Any]] = []
        self.problems: list[dict[str, str]] = []
        self.history: dict[int, dict[str, Any]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.inner: dict[str, Any] = {}

    def serve(self, page: Page) -> None:
        page.route(ROOT, self._answer)
        page.route(PAGE, self._page)

    def colleague(self, graph: dict[str, Any]) -> None:
        """Somebody else saves `graph`."""
        self.draft |= {"graph": graph, "revision": self.draft["revision"] + 1, "updated_by": "bob"}

    def _page(self, route: Route, request: Request) -> None:
        """The real page, with the stub's draft in it and no feature that has a form of its own."""
        if request.method != "GET":
            return route.continue_()
        response = route.fetch()
        given = {name: self.draft[name] for name in ("graph", "layout", "revision", "status")} | {"feature": None}

        def filled(found: re.Match[str]) -> str:
            data = json.dumps(json.loads(found[2]) | given).replace("<", "\\u003C")
            return found[1] + data + found[3]

        return route.fulfill(response=response, body=DATA.sub(filled, response.text(), count=1))

    def _answer(self, route: Route, request: Request) -> None:
        path = request.url.split("/api/v1/admin/")[1].split("?")[0]
        if path.endswith("/test"):
            self.trials.append(json.loads(request.post_data or "{}"))
            return route.fulfill(status=200, content_type="text/event-stream", body=self._stream())
        if request.method == "PATCH":
            return self._patch(route, request)
        found = self._found(path)
        if found is None:
            return route.fulfill(status=404, content_type="application/json", body="{}")
        return route.fulfill(status=200, content_type="application/json", body=json.dumps(found))

    def _found(self, path: str) -> Any:
        if path == f"pipelines/{self.draft['key']}":
            return self.draft
        if path.endswith("/history"):
            rows = [{"n": n, "at": STARTED, "by": "ada", "revision": n, "comment": ""} for n in sorted(self.history)]
            return {"items": rows[::-1], "next": None}
        if match := re.search(r"/history/(\d+)$", path):
            return {"graph": self.history[int(match[1])]}
        return {
            "pipelines/nodes": {
                "version": "1",
                "types": TYPES,
                "limits": {"nodes": 300, "depth": 5, "map_items": 10_000},
            },
            "pipelines/parts": {
                "prompts": [{"key": "brief", "name": "Brief", "variables": [{"name": "product", "type": "string"}]}],
                "tools": [],
                "pipelines": [{"key": "inner", "name": "Inner", "input": None, "output": None}],
                "models": [{"model": "mock-chat", "capabilities": ["chat"]}],
                "hosts": [],
            },
            "pipelines/validate": {"problems": self.problems, "cost": {"worst_micro": 1_500_000, "unknown": []}},
            "pipelines/describe": {"nodes": {"start": self._start()}},
            "pipelines/inner": self.draft | {"key": "inner", "name": "Inner", "graph": self.inner}
            if self.inner
            else None,
        }.get(path)

    def _start(self) -> dict[str, Any]:
        return {"inputs": {}, "outputs": FORM, "ports": {"out": [{"id": "", "label": ""}]}, "scope": []}

    def _patch(self, route: Route, request: Request) -> None:
        change = json.loads(request.post_data or "{}")
        if set(change) != {"layout"} and request.headers.get("if-match") != f'"{self.draft["revision"]}"':
            body = {"code": "CORE_2007", "reason": "E_STALE", "message": "Changed meanwhile.", "retryable": False}
            return route.fulfill(status=412, content_type="application/json", body=json.dumps(body))
        self.writes.append(change | {"autosave": request.headers.get("x-autosave")})
        self.draft |= change | ({"revision": self.draft["revision"] + 1} if set(change) != {"layout"} else {})
        return route.fulfill(status=200, content_type="application/json", body=json.dumps(self.draft))

    def _stream(self) -> str:
        lines = [
            f"id: {n}\nevent: {name}\ndata: {json.dumps(data)}\n\n" for n, (name, data) in enumerate(self.events, 1)
        ]
        return "".join(lines)


def step(node: str, status: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """An event of a run: what became of a step."""
    told = {
        "step": node,
        "node": node,
        "path": node,
        "type": "",
        "title": "",
        "status": status,
        "attempt": 1,
        "input": {},
        "output": {},
        "duration": None if status == "running" else 0.4,
        "cost_micro": 0,
        "usage": {},
        "model": "",
        "branch": "",
        "pinned": False,
    }
    return "step", told | more
