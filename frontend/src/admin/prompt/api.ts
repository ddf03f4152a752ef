import { errorFromText, networkError } from "../../api/errors";
import { currentLanguage } from "../../i18n/language";
import type { TokenKeeper } from "./token";
import type { ChatRequest, Preview, Words } from "./types";

const PROMPTS = "/api/v1/admin/prompts";

interface Call {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

export interface Draft {
  key?: string;
  system: string;
  body: string;
  variables: unknown;
}

/** The calls of the prompt editor. Every refusal, and the lack of an answer, is raised as `ApiError`. */
export class PromptApi {
  constructor(private readonly token: TokenKeeper) {}

  preview(draft: Draft, values: Record<string, unknown>, model: string, signal: AbortSignal): Promise<Preview> {
    const body = { ...draft, values, ...(model ? { model } : {}) };
    return this.json<Preview>(`${PROMPTS}/preview`, { method: "POST", body, signal });
  }

  words(): Promise<Words> {
    return this.json<Words>(`${PROMPTS}/words`, {});
  }

  /** The names of the models that can be asked; raised errors mean that nobody says, not that there are none. */
  async models(): Promise<string[]> {
    const list = await this.json<{ data: { id: string }[] }>("/v1/models", {});
    return list.data.map((model) => model.id);
  }

  /** An open stream. The caller reads its body, and ends it with `signal`. */
  chat(body: ChatRequest, signal: AbortSignal): Promise<Response> {
    return this.send("/api/v1/ai/chat", { method: "POST", body, signal });
  }

  async json<T>(path: string, call: Call): Promise<T> {
    const response = await this.send(path, call);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async send(path: string, call: Call): Promise<Response> {
    const access = await this.token.get();
    const response = await fetchWith(access, path, call);
    if (response.status !== 401) return accepted(response);
    this.token.drop(access);
    return accepted(await fetchWith(await this.token.get(), path, call));
  }
}

async function fetchWith(access: string, path: string, { method = "GET", body, signal }: Call): Promise<Response> {
  const headers: Record<string, string> = { Authorization: `Bearer ${access}`, "Accept-Language": currentLanguage() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    // Without the cookie: the token alone says who calls, and no other site can send it.
    return await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw networkError();
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw errorFromText(response.status, await response.text(), (name) => response.headers.get(name));
}
