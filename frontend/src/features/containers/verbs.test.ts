import { describe, expect, it } from "vitest";
import type { NodeState, Phase, Power } from "@/live/wire";
import { outlookOf, verbsFor } from "./verbs";

const phases: Phase[] = [
  "pending",
  "pulling",
  "installing",
  "creating",
  "starting",
  "running",
  "stopping",
  "stopped",
  "crashed",
  "failed",
  "removed",
];
const powers: Power[] = ["running", "stopped", "absent"];

describe("verbs", () => {
  it.each([
    ["running", "running", ["stop", "restart", "kill", "delete"]],
    ["running", "stopped", ["start", "kill", "delete"]], // stop is queued: killing is still possible
    ["stopped", "stopped", ["start", "delete"]],
    ["stopped", "running", ["stop", "delete"]], // start is queued: it can be taken back
    ["pulling", "running", ["stop", "delete"]],
    ["installing", "running", ["stop", "kill", "delete"]],
    ["crashed", "running", ["stop", "restart", "delete"]],
    ["failed", "running", ["stop", "delete"]],
    ["failed", "stopped", ["start", "delete"]],
    ["stopping", "stopped", ["start", "kill", "delete"]],
    ["removed", "absent", []],
  ] as const)("of one that is %s and should be %s", (phase, power, want) =>
    expect(verbsFor({ phase, power })).toEqual(want),
  );

  it("are none once it is being deleted, whatever the phase", () => {
    for (const phase of phases) expect(verbsFor({ phase, power: "absent" })).toEqual([]);
  });

  it("never offer what is wanted already, and always a way out", () => {
    for (const phase of phases.filter((p) => p !== "removed")) {
      for (const power of powers.filter((p) => p !== "absent")) {
        const verbs = verbsFor({ phase, power });
        expect(verbs).not.toContain(power === "running" ? "start" : "stop");
        expect(verbs).toContain("delete");
      }
    }
  });
});

describe("outlook", () => {
  const of = (phase: Phase, power: Power, node: NodeState | undefined) => outlookOf({ phase, power }, node);

  it("is settled where the phase is what was wanted, also on a lost node", () => {
    expect(of("running", "running", "unhealthy")).toEqual({ kind: "settled" });
    expect(of("stopped", "stopped", "healthy")).toEqual({ kind: "settled" });
  });

  it("is queued for every node that cannot hear of it", () => {
    for (const node of ["unhealthy", "suspect", "joining"] as const) {
      expect(of("running", "stopped", node)).toEqual({ kind: "queued", want: "stopped" });
      expect(of("crashed", "running", node)).toEqual({ kind: "queued", want: "running" });
    }
  });

  it("is working where the node hears of it, or where nothing is known of the node", () => {
    for (const node of ["healthy", "returning", undefined] as const) {
      expect(of("running", "absent", node)).toEqual({ kind: "working", want: "absent" });
    }
  });

  it("asks as long as the controller has not said what one wants, wherever the container is", () => {
    for (const node of ["healthy", "unhealthy", undefined] as const) {
      const shown = { phase: "running", power: "running" } as const;
      expect(outlookOf(shown, node, "stopped")).toEqual({ kind: "asking", want: "stopped" });
    }
    const recorded = { phase: "running", power: "stopped" } as const;
    expect(outlookOf(recorded, "unhealthy", "stopped")).toEqual({ kind: "queued", want: "stopped" });
  });

  it("is retrying only while it should run", () => {
    expect(of("crashed", "running", "healthy")).toEqual({ kind: "retrying" });
    expect(of("failed", "stopped", "healthy")).toEqual({ kind: "settled" });
  });
});
