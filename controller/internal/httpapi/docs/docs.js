// Shows openapi.json: every operation with its permission, parameters, body
// and answers. Text goes in as text, so nothing in the document can be markup.
"use strict";

const el = (tag, text, ...children) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
};

// resolve follows $ref, so that a reader sees the fields in their place.
const resolve = (doc, schema, depth = 0) => {
  if (!schema || depth > 16) return schema;
  if (schema.$ref) {
    const target = schema.$ref.slice(2).split("/").reduce((at, key) => at?.[key], doc);
    return resolve(doc, target, depth + 1);
  }
  if (schema.items) return [resolve(doc, schema.items, depth + 1)];
  if (!schema.properties) return [schema.type, schema.format].filter(Boolean).join(" ") || "any";
  return Object.fromEntries(Object.entries(schema.properties).map(([name, field]) => [
    schema.required?.includes(name) ? name : name + "?", resolve(doc, field, depth + 1),
  ]));
};

const content = (doc, title, part) => {
  const rows = [];
  for (const [type, media] of Object.entries(part?.content ?? {})) {
    rows.push(el("p", `${title}: ${type}`));
    if (media.schema) rows.push(el("pre", JSON.stringify(resolve(doc, media.schema), null, 2)));
  }
  return rows.length ? rows : [el("p", `${title}: ${part?.description ?? ""}`)];
};

const show = (doc, path, method, op) => {
  const box = el("details", "", el("summary", "", el("b", method.toUpperCase()), el("code", path), ` ${op.summary ?? ""}`));
  box.dataset.text = `${method} ${path} ${op.operationId} ${op.summary}`.toLowerCase();
  box.append(el("p", op.description));
  const rows = (op.parameters ?? []).map((p) =>
    el("tr", "", el("td", "", el("code", p.name)), el("td", p.in + (p.required ? ", needed" : "")), el("td", p.description ?? p.schema?.description ?? "")));
  if (rows.length) box.append(el("table", "", ...rows));
  if (op.requestBody) box.append(...content(doc, "Body", op.requestBody));
  for (const [status, answer] of Object.entries(op.responses)) box.append(...content(doc, `Answer ${status}`, answer));
  return box;
};

const load = async () => {
  const doc = await (await fetch("/api/v1/openapi.json")).json();
  document.getElementById("about").textContent = `Version ${doc.info.version}. ${doc.info.description}`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags?.[0] ?? "other";
      groups.set(tag, [...(groups.get(tag) ?? []), show(doc, path, method, op)]);
    }
  }
  const main = document.getElementById("operations");
  for (const [tag, boxes] of [...groups].sort()) main.append(el("section", "", el("h2", tag), ...boxes));
};

document.getElementById("find").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const box of document.querySelectorAll("details")) box.hidden = !box.dataset.text.includes(wanted);
});

load().catch((err) => { document.getElementById("about").textContent = `The document cannot be shown: ${err.message}`; });
