import { ApiError, errorFromText, networkError } from "../../api/errors";
import { currentLanguage } from "../../i18n/language";
import type { TokenKeeper } from "../prompt/token";
import type { Case, CaseRun, Pin, TrialDetail, TrialRequest } from "./trialTypes";
import type { Change, Described, Draft, FlowUrls, Graph, HistoryEntry, Parts, Registry, Verdict } from "./types";

interface Call {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The calls of the flow editor. Every refusal, and the lack of an answer, is raised as `ApiError`. */
export class FlowApi {
  constructor(private readonly token: TokenKeeper, private readonly urls: FlowUrls) {}

  nodes = () => this.json<Registry>(this.urls.nodes);
  parts = () => this.json<Parts>(this.urls.parts);
  draft = () => this.json<Draft>(this.urls.draft);
  /** Another pipeline, for looking into a step that runs it. */
  other = (key: string) => this.json<Draft>(this.urls.draft.replace(/[^/]+\/?$/, (last) => encodeURIComponent(key) + (last.endsWith("/") ? "/" : "")));

  describe(graph: Graph, feature: string | undefined, signal: AbortSignal): Promise<Described> {
    return this.json(this.urls.describe, { method: "POST", body: { graph, ...(feature ? { feature } : {}) }, signal });
  }

  validate(graph: Graph, key: string, feature: string | undefined, signal: AbortSignal): Promise<Verdict> {
    const body = { graph, ...(key ? { key } : {}), ...(feature ? { feature } : {}) };
    return this.json(this.urls.validate, { method: "POST", body, signal });
  }

  /** Raises 412 when somebody else wrote since `revision`; of the layout alone without a revision. */
  save(change: Change, revision: number | null, automatic: boolean): Promise<Draft> {
    const headers: Record<string, string> = { ...(revision === null ? {} : { "If-Match": `"${revision}"` }), ...(automatic ? { "X-Autosave": "1" } : {}) };
    return this.json(this.urls.draft, { method: "PATCH", body: change, headers });
  }

  async history(): Promise<HistoryEntry[]> {
    const answer = await this.json<HistoryEntry[] | { items: HistoryEntry[] }>(this.urls.history);
    return Array.isArray(answer) ? answer : answer.items;
  }

  async version(n: number): Promise<Graph> {
    const answer = await this.json<{ graph: Graph } | Graph>(`${this.urls.history.replace(/\/$/, "")}/${n}`);
    return "graph" in answer ? answer.graph : answer;
  }

  /** An open stream of events; the caller reads it and ends it with `signal`. */
  startTrial(body: TrialRequest, signal: AbortSignal): Promise<Response> {
    return this.send(this.urls.test, { method: "POST", body, signal, headers: { Accept: "text/event-stream" } });
  }

  /** The rest of a stream that broke off after the event `last`. 204 when there is no rest. */
  resumeTrial(trial: string, last: string, signal: AbortSignal): Promise<Response> {
    const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
    return this.send(`${this.trialUrl(trial)}/stream`, { signal, headers });
  }

  /** Keeps a file for a test run; answers its id, which is what the input names. */
  async upload(file: File, signal?: AbortSignal): Promise<string> {
    const body = new FormData();
    body.append("file", file);
    return (await this.json<{ id: string }>("/api/v1/uploads", { method: "POST", body, signal })).id;
  }

  pins = () => this.items<Pin>(this.urls.pins);
  cases = () => this.items<Case>(this.urls.cases);
  addPin = (pin: Omit<Pin, "id">) => this.json<Pin>(this.urls.pins, { method: "POST", body: pin });
  dropPin = (id: number) => this.json<undefined>(`${this.urls.pins.replace(/\/$/, "")}/${id}`, { method: "DELETE" });
  addCase = (one: Pick<Case, "name" | "input" | "pins">) => this.json<Case>(this.urls.cases, { method: "POST", body: one });

  /** Each case as a trial of its own. */
  async runCases(mode: "mock" | "real", feature: string | undefined): Promise<CaseRun[]> {
    const body = { mode, ...(feature ? { feature } : {}) };
    return (await this.json<{ runs: CaseRun[] }>(`${this.urls.cases.replace(/\/$/, "")}/run`, { method: "POST", body })).runs;
  }

  trial = (id: string, signal: AbortSignal) => this.json<TrialDetail>(this.trialUrl(id), { signal });

  /** What a trial asks its owner; raises 409 and 410 when the question is closed. */
  async answer(trial: string, path: string, answer: object, option: string): Promise<void> {
    await this.send(`/api/v1/tasks/${encodeURIComponent(trial)}/answers/${encodeURIComponent(path)}`, { method: "POST", body: { answer, option } });
  }

  private items = async <T>(path: string): Promise<T[]> => (await this.json<{ items: T[] }>(path)).items;

  async cancelTrial(trial: string): Promise<void> {
    await this.send(`${this.trialUrl(trial)}/cancel`, { method: "POST", body: {} });
  }

  private trialUrl = (trial: string) => `${this.urls.trials.replace(/\/$/, "")}/${encodeURIComponent(trial)}`;

  private async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.send(path, call);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async send(path: string, call: Call): Promise<Response> {
    if (!path) throw new ApiError({ code: "", reason: "E_NOT_THERE", message: "" }, { status: 404, requestId: null, retryAfter: null });
    const access = await this.token.get();
    const response = await fetchWith(access, path, call);
    if (response.status !== 401) return accepted(response);
    this.token.drop(access);
    return accepted(await fetchWith(await this.token.get(), path, call));
  }
}

async function fetchWith(access: string, path: string, { method = "GET", body, headers, signal }: Call): Promise<Response> {
  const sent: Record<string, string> = { Authorization: `Bearer ${access}`, "Accept-Language": currentLanguage(), ...headers };
  const whole = body instanceof FormData ? body : JSON.stringify(body);
  if (body !== undefined && whole !== body) sent["Content-Type"] = "application/json";
  try {
    // Without the cookie: the token alone says who calls, and no other site can send it.
    return await fetch(path, { method, headers: sent, body: body === undefined ? undefined : whole, signal, credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw networkError();
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw errorFromText(response.status, await response.text(), (name) => response.headers.get(name));
}

/** Whether a call failed because this server does not have what was asked for. */
export const isAbsent = (error: unknown): boolean => error instanceof ApiError && (error.status === 404 || error.status === 405 || error.status === 501);
