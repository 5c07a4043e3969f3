// Prints what a first visit loads, gzipped, and fails when it is too much:
// the entry with all that it imports at once, and the styles.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const limitKB = 200;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

const files = new Set();
function take(key) {
  const chunk = manifest[key];
  if (!chunk || files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const file of chunk.css ?? []) files.add(file);
  for (const next of chunk.imports ?? []) take(next);
}
take("index.html");
take("src/routes/nodes.tsx"); // the first page that people see
take("src/live/dial.ts");

const size = (file) => gzipSync(readFileSync(new URL(file, dist))).length / 1000;
const total = [...files].reduce((sum, file) => sum + size(file), 0);
console.log(`first load: ${total.toFixed(1)} kB gzipped in ${files.size} files (limit ${limitKB} kB)`);
for (const [key, chunk] of Object.entries(manifest)) {
  if (chunk.isDynamicEntry && size(chunk.file) > 15)
    console.log(`later: ${key} ${size(chunk.file).toFixed(1)} kB`);
}
rmSync(new URL(".vite", dist), { recursive: true }); // nobody else reads it, and dist is embedded whole
if (total > limitKB) process.exit(1);
