/** Imports go one way: lib → ui, live → api → components → features → routes. */
import { readdirSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { expect, it } from "vitest";

const src = import.meta.dirname;

/** What each room may import beside itself. */
const rooms: Record<string, string[]> = {
  lib: [],
  "strings.ts": ["api/types", "live", "strings"], // of the former two types only
  strings: [],
  ui: ["lib", "strings"],
  live: ["lib"],
  api: ["lib", "live", "strings"],
  components: ["lib", "ui", "live", "api", "strings"],
  features: ["lib", "ui", "live", "api", "strings", "components"],
  routes: ["lib", "ui", "live", "api", "strings", "components", "features"],
};

const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
  (name) => /\.tsx?$/.test(name) && !name.includes(".test.") && !name.endsWith(".gen.ts"),
);

/** Paths below src that a file imports. */
function importsOf(file: string): string[] {
  const text = readFileSync(resolve(src, file), "utf8");
  const found = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
  return found.flatMap((path) => {
    if (path.startsWith("@/")) return [path.slice(2)];
    if (path.startsWith(".")) return [relative(src, resolve(src, file, "..", path))];
    return [];
  });
}

function faultsOf(file: string): string[] {
  const room = file.split("/")[0] ?? "";
  const allowed = rooms[room];
  if (!allowed) return []; // main, app, mock: they put the rooms together
  const own = room === "features" ? file.split("/").slice(0, 2).join("/") : room;
  const mayImport = (path: string) => [own, ...allowed].some((p) => path === p || path.startsWith(`${p}/`));
  return importsOf(file)
    .filter((path) => !mayImport(path))
    .map((path) => `${file} imports ${path}`);
}

it("has imports that go one way, and no feature that imports a feature", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(faultsOf)).toEqual([]);
});

it("keeps MQTT.js, uPlot, xterm.js, QR codes and fetch in one file each", () => {
  const users = (pattern: RegExp) =>
    files.filter(
      (file) => !file.startsWith("mock/") && pattern.test(readFileSync(resolve(src, file), "utf8")),
    );
  expect(users(/import\("mqtt"\)|from "mqtt"/)).toEqual(["live/dial.ts"]);
  expect(users(/from "uplot"/)).toEqual(["features/containers/chart.tsx"]);
  expect(users(/from "@xterm\//)).toEqual(["features/containers/terminal.ts"]);
  expect(users(/from "qr"/)).toEqual(["features/account/qr.ts"]);
  expect(users(/\bawait fetch\(/)).toEqual(["api/http.ts"]);
});
