import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Plugin } from "vite";
import { WebSocketServer } from "ws";
import { handleApi } from "./api.ts";
import { handleSocket } from "./socket.ts";

/** The policy the product is served under; the preview holds us to it. */
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; " +
  "connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const BUILD = "/static/build/";
const PAGES = /^\/(f\/[^/]+|tasks(\/[^/]+)?|sign-in|admin-preview)?\/?$/;

/**
 * A back end in memory, so that the storefront can be worked on alone: `npm run dev`.
 * `PAIBAN_BACKEND=http://127.0.0.1:8000 npm run dev` uses a real one instead.
 */
export function mockBackend(): Plugin {
  const real = process.env.PAIBAN_BACKEND;
  return {
    name: "paiban-mock-backend",
    config: () => (real ? { server: { proxy: proxyTo(real) } } : {}),
    configureServer: (server) => {
      if (!real) attachSocket(server.httpServer as Server | null);
      server.middlewares.use((req, res, next) => serve(req, res, next, { real: Boolean(real), page: devPage }));
    },
    configurePreviewServer: (server) => {
      attachSocket(server.httpServer as Server);
      server.middlewares.use((req, res, next) => serve(req, res, next, { real: false, page: builtPage }));
    },
  };
}

const proxyTo = (target: string) => ({
  "/api": target,
  "/ws": { target: target.replace(/^http/, "ws"), ws: true },
});

interface Mode {
  real: boolean;
  page: (entry: string) => { html: string; strict: boolean };
}

function serve(req: IncomingMessage, res: ServerResponse, next: () => void, mode: Mode): void {
  const path = (req.url ?? "/").split("?")[0] ?? "/";
  if (!mode.real && path.startsWith("/api/v1/")) return void handleApi(req, res);
  if (path === "/static/favicon.svg") return sendFile(res, "../static/favicon.svg");
  if (!PAGES.test(path)) return next();
  const { html, strict } = mode.page(path.startsWith("/admin-preview") ? "src/admin.tsx" : "src/storefront.tsx");
  if (strict) res.setHeader("Content-Security-Policy", CSP);
  res.setHeader("Content-Type", "text/html; charset=utf-8");
  res.end(html);
}

function sendFile(res: ServerResponse, name: string): void {
  res.setHeader("Content-Type", "image/svg+xml");
  res.end(readFileSync(name));
}

function attachSocket(server: Server | null): void {
  const sockets = new WebSocketServer({ noServer: true });
  server?.on("upgrade", (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!req.url?.startsWith("/ws/")) return;
    sockets.handleUpgrade(req, socket, head, (client) => handleSocket(client, req.url ?? ""));
  });
}

function devPage(entry: string) {
  // React's refresh runtime is set up by an inline module, so the policy waits for the preview.
  const preamble = `<script type="module">import { injectIntoGlobalHook } from "${BUILD}@react-refresh";
    injectIntoGlobalHook(window); window.$RefreshReg$ = () => {}; window.$RefreshSig$ = () => (type) => type;</script>`;
  const scripts = `${preamble}<script type="module" src="${BUILD}@vite/client"></script><script type="module" src="${BUILD}${entry}"></script>`;
  return { html: page(`<script type="module" src="${BUILD}src/boot.ts"></script>`, scripts, entry), strict: false };
}

interface Chunk {
  file: string;
  css?: string[];
  imports?: string[];
}

function builtPage(entry: string) {
  const manifest = JSON.parse(readFileSync("../static/build/manifest.json", "utf8")) as Record<string, Chunk>;
  const names = [entry, ...(manifest[entry]?.imports ?? [])];
  const styles = names.flatMap((name) => manifest[name]?.css ?? []).map((file) => `<link rel="stylesheet" href="${BUILD}${file}">`);
  const boot = `<script src="${BUILD}${manifest["src/boot.ts"]?.file}"></script>${styles.join("")}`;
  return { html: page(boot, `<script type="module" src="${BUILD}${manifest[entry]?.file}"></script>`, entry), strict: true };
}

function page(head: string, scripts: string, entry: string): string {
  const body = entry.includes("admin") ? readFileSync("dev/admin-preview.html", "utf8") : '<div id="root"></div>';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">${head}</head><body>${body}${scripts}</body></html>`;
}
