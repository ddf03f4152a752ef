import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { FEATURES, GROUPS, LATE_FEATURE, saying, type DemoFeature } from "./catalogue.ts";
import { readBody, readUpload, refuse, send, streamEvents, streamTask } from "./http.ts";
import { play, emit } from "./run.ts";
import { tickets } from "./socket.ts";
import { bells, state, type DemoTask } from "./state.ts";

type Say = ReturnType<typeof saying>;
interface Call {
  req: IncomingMessage;
  res: ServerResponse;
  url: URL;
  say: Say;
  id: string;
}
type Handler = (call: Call) => unknown;

const user = () => ({ id: 1, username: "mia", name: "Mia Chen", roles: ["user"], balance: state.balance });
const pair = () => ({ access: `access-${randomUUID()}`, refresh: randomUUID() });
const OPEN = /^(GET \/ui\/|POST \/auth\/(login|refresh)|GET \/files\/|POST \/dev\/|GET \/version)/;

const ROUTES: [RegExp, Handler][] = [
  [/^POST \/auth\/login$/, login],
  [/^POST \/auth\/refresh$/, ({ res }) => send(res, 200, pair())],
  [/^POST \/auth\/logout$/, ({ res }) => send(res, 204)],
  [/^GET \/auth\/me$/, ({ res }) => send(res, 200, user())],
  [/^GET \/ui\/menus$/, ({ res, say, req }) => send(res, 200, menus(say, Boolean(req.headers.authorization)))],
  [/^GET \/ui\/schema$/, schema],
  [/^GET \/ui\/events$/, ({ req, res }) => streamEvents(req, res)],
  [/^POST \/uploads$/, upload],
  [/^GET \/files\/(.+)$/, file],
  [/^GET \/quota$/, ({ res }) => send(res, 200, { balance: state.balance, held: 0 })],
  [/^POST \/ws-ticket$/, ticket],
  [/^POST \/tasks$/, create],
  [/^GET \/tasks$/, list],
  [/^GET \/tasks\/([^/]+)\/stream$/, ({ req, res, id }) => (state.broken.has("stream") ? refuse(res, 503) : streamTask(req, res, id))],
  [/^POST \/tasks\/([^/]+)\/cancel$/, cancel],
  [/^GET \/tasks\/([^/]+)$/, ({ res, id, say }) => withTask(res, id, (task) => send(res, 200, detail(task, say)))],
  [/^POST \/dev\/publish$/, publish],
  [/^POST \/dev\/break$/, breakThings],
];

export function handleApi(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? "/", "http://mock");
  const line = `${req.method} ${url.pathname.replace("/api/v1", "")}`;
  const found = ROUTES.find(([pattern]) => pattern.test(line));
  if (!found) return refuse(res, 404);
  if (!OPEN.test(line) && !req.headers.authorization) return refuse(res, 401);
  const id = decodeURIComponent(found[0].exec(line)?.[1] ?? "");
  void found[1]({ req, res, url, say: saying(req.headers["accept-language"]), id });
}

async function login({ req, res, say }: Call) {
  const { password } = await readBody<{ password: string }>(req);
  if (password === "wrong") return refuse(res, 401, { message: say(["Wrong username or password.", "用户名或密码不正确。"]) });
  send(res, 200, { ...pair(), user: user() });
}

function menus(say: Say, signedIn: boolean) {
  const groups = Object.entries(GROUPS).map(([key, title], order) => ({
    key, title: say(title), order,
    items: state.features.filter((feature) => feature.group === key).map((feature, index) => ({
      feature: feature.key, title: say(feature.title), description: say(feature.about), icon: feature.icon,
      route: `/f/${feature.key}`, order: index, permissions: { run: signedIn },
    })),
  }));
  return { revision: state.revision, groups: groups.filter((group) => group.items.length > 0) };
}

function schema({ res, url, say }: Call) {
  const feature = state.features.find((candidate) => candidate.key === url.searchParams.get("feature"));
  if (!feature) return refuse(res, 404, { message: say(["There is no such feature.", "没有这个功能。"]) });
  const { key, version, icon, cost } = feature;
  send(res, 200, {
    revision: state.revision,
    feature: { key, version, icon, cost, title: say(feature.title), description: say(feature.about) },
    form: feature.form(say), output: feature.output(say),
    ...(url.searchParams.has("preview") && { preview: { feature: key, expires_at: new Date(Date.now() + 3_600_000).toISOString() } }),
  });
}

async function upload({ req, res, say }: Call) {
  const stored = await readUpload(req);
  if (stored.name.includes("huge")) return refuse(res, 413, { message: say(["The file is larger than 20 MB.", "文件超过 20 MB。"]) });
  const id = randomUUID();
  state.files.set(id, stored);
  await new Promise((resolve) => setTimeout(resolve, 400));
  send(res, 201, { id, ...info(id) });
}

function file({ res, id }: Call) {
  const stored = state.files.get(id);
  if (!stored) return refuse(res, 404);
  res.setHeader("Content-Type", stored.mime);
  res.end(stored.bytes);
}

function ticket({ res }: Call) {
  const made = randomUUID();
  tickets.add(made);
  send(res, 201, { ticket: made });
}

async function create({ req, res, say }: Call) {
  const { feature: key, input } = await readBody<{ feature: string; input: Record<string, unknown> }>(req);
  const feature = state.features.find((candidate) => candidate.key === key);
  if (!feature) return refuse(res, 404);
  if (String(input.topic ?? "").includes("refuse")) {
    return refuse(res, 422, {
      code: "TASKS_2004", reason: "E_INPUT_INVALID", message: say(["Some fields need another look.", "有些内容需要修改。"]),
      details: { errors: [{ pointer: "/topic", code: "policy", message: say(["This topic is not accepted here.", "不接受这个主题。"]) }] },
    });
  }
  const task = newTask(feature, input, req.headers["accept-language"]);
  state.tasks.set(task.id, task);
  void play(task);
  send(res, 202, { id: task.id, status: "queued", links: {} });
}

function newTask(feature: DemoFeature, input: Record<string, unknown>, language: string | undefined): DemoTask {
  const say = saying(language);
  return {
    id: randomUUID(), feature, language, input, status: "queued", progress: 0, output: null, error: null,
    created_at: new Date().toISOString(), started_at: null, finished_at: null, events: [],
    steps: feature.steps.map(({ node, type, title }) => ({
      node, type, title: say(title), status: "pending", progress: null, message: null, started_at: null, finished_at: null, duration_ms: null,
    })),
  };
}

function detail(task: DemoTask, say: Say) {
  const { events, feature, ...rest } = task;
  const ids = [...Object.values(task.input), ...Object.values(task.output ?? {})].map(String);
  const files = Object.fromEntries(ids.filter((id) => state.files.has(id)).map((id) => [id, info(id)]));
  const done = task.status === "succeeded";
  return {
    ...rest, feature: feature.key, title: say(feature.title), version: feature.version, last_seq: events.length, files,
    cost: done ? feature.cost : null, model_used: done && feature.group !== "images" ? "mock-writer" : null, mock: done && feature.group !== "images",
    form: feature.form(say), output_form: feature.output(say), links: {},
  };
}

function info(id: string) {
  const { mime, width, height, size, name } = state.files.get(id)!;
  return { mime, width, height, size, name, url: `/api/v1/files/${id}` };
}

function list({ res, url, say }: Call) {
  const all = [...state.tasks.values()].reverse();
  const start = Number(url.searchParams.get("cursor") ?? 0);
  const items = all.slice(start, start + 8).map((task) => summary(task, say));
  send(res, 200, { items, next: start + 8 < all.length ? String(start + 8) : null });
}

function summary(task: DemoTask, say: Say) {
  const image = String(task.output?.image ?? task.input.image ?? "");
  return {
    id: task.id, feature: task.feature.key, title: say(task.feature.title), version: task.feature.version, status: task.status,
    progress: task.progress, cost: task.status === "succeeded" ? task.feature.cost : null, created_at: task.created_at,
    finished_at: task.finished_at, thumbnail: state.files.has(image) ? `/api/v1/files/${image}` : null,
  };
}

function cancel({ res, id, say }: Call) {
  withTask(res, id, (task) => {
    if (["queued", "running"].includes(task.status)) {
      Object.assign(task, { status: "cancelled", finished_at: new Date().toISOString() });
      emit(task, "cancelled", {});
    }
    send(res, 200, detail(task, say));
  });
}

function withTask(res: ServerResponse, id: string, show: (task: DemoTask) => void): void {
  const task = state.tasks.get(id);
  if (task) show(task);
  else refuse(res, 404);
}

/** A new entry, and a new version of the product photo's form. */
function publish({ res }: Call) {
  if (!state.features.includes(LATE_FEATURE)) state.features.push(LATE_FEATURE);
  FEATURES[0]!.version += 1;
  state.revision += 1;
  bells.emit("revision");
  send(res, 200, { revision: state.revision });
}

function breakThings({ res, url }: Call) {
  state.broken = new Set((url.searchParams.get("what") ?? "").split(",").filter(Boolean));
  bells.emit("break");
  send(res, 200, { broken: [...state.broken] });
}
