import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const controller = process.env.LORMAS_DEV_CONTROLLER ?? "http://127.0.0.1:7070";

// `vite --mode mock` runs the whole dashboard against src/mock and needs no
// controller; every other mode talks to one.
export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    proxy: {
      "/api": controller,
      "/mqtt": { target: controller, ws: true },
    },
  },
  build: {
    // public/.keep is copied back after the directory was emptied: Go embeds
    // dist, which must exist before the first build.
    emptyOutDir: true,
    manifest: true, // scripts/first-load.mjs reads it
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/mock/setup-tests.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
  },
});
