import { currentLanguage } from "../i18n/language";
import { ApiError, errorFromText, networkError } from "./errors";
import { renewAccess } from "./refresh";
import { session } from "./session";
import type { TokenPair } from "./types";

export const BASE = "/api/v1";

export interface Options {
  method?: "GET" | "POST";
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  cache?: RequestCache;
}

/** One call of the API. Raises `ApiError` for every refusal and for the lack of an answer. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  return readJson<T>(await callRaw(path, options));
}

/** The same, handing out the response itself: for streams. */
export async function callRaw(path: string, options: Options = {}): Promise<Response> {
  const access = session.get()?.access ?? null;
  const response = await send(path, options, access);
  if (response.status !== 401 || access === null) return accepted(response);
  return accepted(await send(path, options, await renewAccess(access, spendRefresh)));
}

/** Headers for transports that cannot go through `fetch`, such as an upload with progress. */
export function authHeaders(access: string | null): Record<string, string> {
  const headers: Record<string, string> = { "Accept-Language": currentLanguage() };
  if (access) headers.Authorization = `Bearer ${access}`;
  return headers;
}

async function send(path: string, options: Options, access: string | null): Promise<Response> {
  const headers = { ...authHeaders(access), ...options.headers };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await fetch(BASE + path, {
      method: options.method ?? "GET",
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      cache: options.cache,
      credentials: "same-origin",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw networkError();
  }
}

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw errorFromText(response.status, await response.text(), (name) => response.headers.get(name));
}

async function readJson<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Null when the server says the token is spent; other troubles are raised, the session stays. */
export async function spendRefresh(refresh: string): Promise<TokenPair | null> {
  try {
    const response = await send("/auth/refresh", { method: "POST", body: { refresh } }, null);
    return await readJson<TokenPair>(await accepted(response));
  } catch (error) {
    if (error instanceof ApiError && [400, 401, 403].includes(error.status)) return null;
    throw error;
  }
}
