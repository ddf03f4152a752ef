import { authHeaders, BASE, spendRefresh } from "./client";
import { errorFromText, networkError } from "./errors";
import { renewAccess } from "./refresh";
import { session } from "./session";
import type { Upload } from "./types";

export interface UploadJob {
  done: Promise<Upload>;
  abort: () => void;
}

interface Answer {
  status: number;
  text: string;
  header: (name: string) => string | null;
}

/** Sends one file. `XMLHttpRequest`, because `fetch` does not report the progress of a body. */
export function startUpload(file: File, onProgress: (fraction: number) => void): UploadJob {
  const controller = new AbortController();
  return {
    done: upload(file, onProgress, controller.signal),
    abort: () => controller.abort(),
  };
}

async function upload(file: File, onProgress: (fraction: number) => void, signal: AbortSignal): Promise<Upload> {
  const access = session.get()?.access ?? null;
  let answer = await post(file, access, onProgress, signal);
  if (answer.status === 401 && access) {
    answer = await post(file, await renewAccess(access, spendRefresh), onProgress, signal);
  }
  if (answer.status >= 300) throw errorFromText(answer.status, answer.text, answer.header);
  return JSON.parse(answer.text) as Upload;
}

function post(
  file: File,
  access: string | null,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${BASE}/uploads`);
    for (const [name, value] of Object.entries(authHeaders(access))) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.total ? event.loaded / event.total : 0);
    request.onload = () => resolve(answerOf(request));
    request.onerror = () => reject(networkError());
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    const body = new FormData();
    body.append("file", file);
    request.send(body);
  });
}

function answerOf(request: XMLHttpRequest): Answer {
  return {
    status: request.status,
    text: request.responseText,
    header: (name) => request.getResponseHeader(name),
  };
}
