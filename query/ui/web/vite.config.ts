import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// DAYBOOK_URL and DAYBOOK_API_KEY say which server `npm run dev` asks, and as whom.
const server = process.env["DAYBOOK_URL"] ?? "http://127.0.0.1:8080";
const key = process.env["DAYBOOK_API_KEY"];

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../dist",
    // The folder keeps a file that git knows; `make ui` empties the rest.
    emptyOutDir: false,
    target: "es2023",
    sourcemap: false,
    // The page's policy allows no data: addresses in scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: server, ...(key ? { headers: { Authorization: `Bearer ${key}` } } : {}) },
      "/docs": server,
      "/openapi.json": server,
    },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
} as Parameters<typeof defineConfig>[0]);
