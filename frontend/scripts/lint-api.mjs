// Lints openapi.json by redocly's recommended rules, as redocly.yaml has them,
// and wants an example for every body. It needs no network.
import { readFileSync } from "node:fs";
import { formatProblems, lint, loadConfig } from "@redocly/openapi-core";

const config = await loadConfig({ configPath: "redocly.yaml" });
const problems = await lint({ ref: "openapi.json", config });
formatProblems(problems, {
  format: "codeframe",
  totals: { errors: problems.length, warnings: 0, ignored: 0 },
  version: "1",
});

const { paths } = JSON.parse(readFileSync("openapi.json", "utf8"));
const bare = [];
let bodies = 0;
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    for (const place of [operation.requestBody, ...Object.values(operation.responses)]) {
      for (const [type, media] of Object.entries(place?.content ?? {})) {
        if (!media.schema) continue; // a stream or a page, which has no schema
        bodies++;
        if (media.example === undefined) bare.push(`${method} ${path}: ${type} has no example`);
      }
    }
  }
}
for (const line of bare) console.error(line);
console.log(
  `openapi.json: ${problems.length} faults, ${bodies - bare.length} of ${bodies} bodies have an example`,
);
if (problems.length + bare.length > 0) process.exit(1);
