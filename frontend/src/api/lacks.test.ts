import { describe, expect, it } from "vitest";
import type { ContainerNews } from "@/live/wire";
import { lacksContainer } from "./lacks";

const list = (ids: string[], next_cursor = "") => ({
  pages: [{ items: ids.map((id) => ({ id })), next_cursor }],
  pageParams: [undefined],
});

const news = (containerId: string, more: Partial<ContainerNews> = {}): ContainerNews => ({
  v: 1,
  type: "container_state",
  containerId,
  nodeId: "n1",
  name: "web-front",
  power: "running",
  phase: "running",
  epoch: 1,
  generation: 1,
  migration_status: "idle",
  ...more,
});

describe("a list is read again", () => {
  it.each([
    ["for what a whole list lacks", list(["a"]), {}, news("b"), true],
    ["not for what it shows", list(["a"]), {}, news("a"), false],
    ["not for what may be further down", list(["a"], "next"), {}, news("b"), false],
    [
      "for what is new, wherever that stands",
      list(["a"], "next"),
      {},
      news("b", { phase: "creating" }),
      true,
    ],
    [
      "not for what was moved or edited",
      list(["a"], "next"),
      {},
      news("b", { phase: "creating", epoch: 2 }),
      false,
    ],
    [
      "for what has come to be in its phase",
      list(["a"]),
      { phase: "failed" },
      news("b", { phase: "failed" }),
      true,
    ],
    ["not for another phase", list(["a"]), { phase: "failed" }, news("b"), false],
    ["for what came to its node", list([]), { nodeId: "n1" }, news("b"), true],
    ["not for other nodes", list([]), { nodeId: "n2" }, news("b"), false],
    ["for a name that fits", list([]), { q: "FRONT" }, news("b"), true],
    ["not for other names", list([]), { q: "back" }, news("b"), false],
    ["not for what may be of another egg", list([]), { eggId: "e" }, news("b"), false],
  ] as const)("%s", (_, pages, filter, n, want) => {
    expect(lacksContainer(pages, filter, [n])).toBe(want);
  });
});
