import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockBackend } from "./dev/plugin.ts";

export default defineConfig({
  base: "/static/build/",
  resolve: {
    alias: { "@rjsf/validator-ajv8": fileURLToPath(new URL("src/forms/noCompiler.ts", import.meta.url)) },
  },
  plugins: [react(), mockBackend()],
  build: {
    outDir: "../static/build",
    emptyOutDir: true,
    manifest: "manifest.json",
    // The licences of everything that is shipped in here ask to be shipped with it.
    license: { fileName: "licences.md" },
    target: "es2022",
    // `data:` URLs would need exceptions in the font and style policies.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { storefront: "src/storefront.tsx", admin: "src/admin.tsx", boot: "src/boot.ts" },
    },
  },
  test: { environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"] },
});
