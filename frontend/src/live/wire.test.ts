import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseMessage } from "./wire";

const testdata = resolve(import.meta.dirname, "../../../shared/wire/testdata");
const golden = readdirSync(testdata).filter((name) => name.endsWith(".json"));

// Messages between controller and agent: nobody who looks at a dashboard
// subscribes to them.
const notForPeople = /^(command|desired|events|hello|lease|pull)/;

const forPeople = golden.filter((name) => !notForPeople.test(name));
const read = (name: string) => readFileSync(resolve(testdata, name), "utf8");

describe("golden payloads of shared/wire", () => {
  it("cover every message for people", () => {
    const types = new Set(forPeople.map((name) => parseMessage(read(name))?.type));
    expect([...types].sort()).toEqual([
      "container_state",
      "event",
      "health",
      "heartbeat",
      "logs",
      "stats",
      "usage",
    ]);
  });

  it.each(forPeople)("%s is read without losing a field that we know", (name) => {
    const parsed = parseMessage(read(name));
    expect(parsed).not.toBeNull();
    expect(JSON.parse(read(name))).toMatchObject(parsed ?? {});
  });

  it.each(golden.filter((name) => notForPeople.test(name)))("%s is not taken for one of ours", (name) => {
    expect(parseMessage(read(name))).toBeNull();
  });
});

describe("what cannot be read", () => {
  const health = JSON.parse(read("health.json"));
  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["null", "null"],
    ["another version", JSON.stringify({ ...health, v: 2 })],
    ["an unknown state", JSON.stringify({ ...health, state: "tired" })],
    ["a missing field", JSON.stringify({ ...health, since: undefined })],
  ])("%s is refused", (_, payload) => expect(parseMessage(payload)).toBeNull());

  it("ignores fields of a newer version", () => {
    const parsed = parseMessage(JSON.stringify({ ...health, mood: "good" }));
    expect(parsed).toEqual(health);
  });
});
