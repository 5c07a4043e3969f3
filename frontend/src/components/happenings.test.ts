import { describe, expect, it } from "vitest";
import { withSeen } from "@/api/merge";
import type { ContainerNews } from "@/live/wire";
import { auditEntry, container, job, migration, observed } from "@/mock/fixtures";
import { inOrder, ofJobs, ofMoves, ofPhases, ofTransitions } from "./happenings";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

describe("what happened", () => {
  it("tells a verb and its job once, with who asked and how it ended", () => {
    const jobs = [job({ kind: "container.restart", state: "failed", error: "no image", createdAt: at(10) })];
    const audit = [
      auditEntry({ id: "a", verb: "container.restart", at: at(11) }),
      auditEntry({ id: "b", verb: "container.restart", at: at(40) }),
      auditEntry({ id: "c", verb: "container.kill", at: at(10), outcome: "denied", reason: "not yours" }),
    ];
    const told = ofJobs(jobs, audit);
    expect(told.map(({ title, detail, by, tone }) => [title, detail, by, tone])).toEqual([
      ["container.restart", "failed: no image", "admin@lormas.local", "bad"],
      ["container.restart", "", "admin@lormas.local", "idle"],
      ["container.kill", "denied: not yours", "admin@lormas.local", "bad"],
    ]);
  });

  it("tells of a move when it begins and when it ends", () => {
    const { finishedAt: _, ...open } = migration({ status: "migrating", state: "starting" });
    const names = (id: string | undefined) => (id ? `node ${id.slice(-1)}` : "?");
    expect(ofMoves([open], names).map(({ title, detail }) => [title, detail])).toEqual([
      ["move node 2 → node 1", "node lost: node van-12 was lost"],
    ]);
    expect(ofMoves([migration()], names).map(({ title }) => title)).toEqual([
      "move node 2 → node 1",
      "move node 2 → node 1: completed",
    ]);
  });

  it("tells why a container ended, as far as that is known", () => {
    const crashed = container({
      observed: { ...observed("crashed", "it ended by itself"), at: at(5), exitCode: 137, oom: true },
    });
    expect(ofPhases(crashed, [])).toMatchObject([
      {
        at: at(5),
        title: "crashed",
        detail: "it ended by itself · exit code 137, out of memory",
        tone: "bad",
      },
    ]);
    const running = container();
    expect(ofPhases(running, [])[0]?.at).toBe(running.observed?.startedAt);
  });

  it("is in the order of time, whoever told it", () => {
    const steps = ofTransitions([{ at: at(2), from: "healthy", to: "suspect", reason: "silence" }]);
    const jobs = ofJobs([job({ createdAt: at(1) }), job({ createdAt: at(3) })], []);
    expect(inOrder(jobs, steps).map((event) => event.at)).toEqual([at(3), at(2), at(1)]);
  });
});

describe("phases that were seen", () => {
  const shown = container();
  const news = (change: Partial<ContainerNews>): ContainerNews => ({
    v: 1,
    type: "container_state",
    containerId: shown.id,
    name: shown.name,
    power: "running",
    phase: "running",
    epoch: 1,
    generation: 1,
    migration_status: "idle",
    ...change,
  });

  it("are kept one by one, after what was known before", () => {
    const told = [news({}), news({ phase: "crashed", reason: "exit 1" }), news({ phase: "starting" })];
    const seen = told.reduce(
      (before, next, i) => withSeen(before, shown, next, at(i)),
      withSeen([], shown, news({}), at(0)),
    );
    expect(seen.map(({ phase, reason }) => [phase, reason])).toEqual([
      ["crashed", "exit 1"],
      ["starting", ""],
    ]);
    expect(ofPhases(shown, seen).map(({ title }) => title)).toEqual(["running", "crashed", "starting"]);
  });

  it("are not those of an earlier place", () => {
    expect(withSeen([], container({ epoch: 2 }), news({ phase: "stopped" }), at(1))).toEqual([]);
  });

  it("are bounded, and what was before them stays", () => {
    let seen = withSeen([], shown, news({ phase: "stopped" }), at(0));
    for (let i = 1; i < 300; i++)
      seen = withSeen(seen, shown, news({ phase: i % 2 ? "starting" : "stopped" }), at(i));
    expect(seen).toHaveLength(100);
    expect(seen[0]?.before).toBe(shown.observed);
  });
});
