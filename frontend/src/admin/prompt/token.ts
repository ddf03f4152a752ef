import { errorFromText, networkError } from "../../api/errors";

interface Granted {
  access: string;
  expiresIn: number;
}

/** Renewed this long before its end, so that a call never leaves with a token that lapses on the way. */
const MARGIN_MS = 30_000;

/** An access token of whoever is signed in to the admin. Held here and nowhere else: a reload asks for another. */
export class TokenKeeper {
  private held: { access: string; until: number } | null = null;
  private asking: Promise<string> | null = null;

  constructor(
    private readonly ask: () => Promise<Granted>,
    private readonly now: () => number = Date.now,
  ) {}

  /** A token that is good for a while; one question for all who ask at the same time. */
  get(): Promise<string> {
    if (this.held && this.held.until > this.now()) return Promise.resolve(this.held.access);
    return (this.asking ??= this.renew().finally(() => (this.asking = null)));
  }

  /** Forgets `access` when it is the one held: the server did not take it. */
  drop(access: string): void {
    if (this.held?.access === access) this.held = null;
  }

  private async renew(): Promise<string> {
    const granted = await this.ask();
    this.held = { access: granted.access, until: this.now() + granted.expiresIn * 1000 - MARGIN_MS };
    return granted.access;
  }
}

/** Asks the admin's own view, as its forms do: with the session's cookie and the page's CSRF token. */
export async function askAdmin(url: string): Promise<Granted> {
  const csrf = document.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
  const headers = { "X-CSRFToken": csrf, Accept: "application/json" };
  const response = await fetch(url, { method: "POST", headers, credentials: "same-origin", redirect: "error" }).catch(() => {
    throw networkError();
  });
  if (!response.ok) throw errorFromText(response.status, await response.text(), (name) => response.headers.get(name));
  return (await response.json()) as Granted;
}
