import { expect, it } from "vitest";
import { container } from "@/mock/fixtures";
import { badPort, changesOf, specOf } from "./edit";

const before = specOf(
  container({ type: "ha", ha_policy: "available", resources: { cpu: 0.5, memory: "512m", disk: "1g" } }),
);

it("sends nothing where nothing was changed", () => {
  expect(changesOf(before, { ...before, group: " " })).toBeNull();
});

it("sends all limits where one was changed", () => {
  const resources = { ...before.resources, memory: "1g" };
  expect(changesOf(before, { ...before, resources })).toEqual({
    resources: { cpu: 0.5, memory: "1g", disk: "1g" },
  });
});

it("takes it out of a group and away from its cluster", () => {
  const grouped = { ...before, group: "web", preferred_cluster_id: "c1" };
  expect(changesOf(grouped, { ...grouped, group: "", preferred_cluster_id: "" })).toEqual({
    group: "",
    preferred_cluster_id: "",
  });
});

it("says nothing of how it moves where it no longer does", () => {
  expect(changesOf(before, { ...before, type: "standard", ha_policy: "exclusive" })).toEqual({
    type: "standard",
  });
});

it("reads ports as Docker and the CLI write them", () => {
  expect(
    changesOf(before, { ...before, ports: "8080:80\n 10.0.0.1:0:25565/udp\n[::1]:1:2/both" })?.ports,
  ).toEqual([
    { host: 8080, container: 80 },
    { ip: "10.0.0.1", host: 0, container: 25565, protocol: "udp" },
    { ip: "::1", host: 1, container: 2, protocol: "both" },
  ]);
  expect(badPort("8080:80\nhttp")).toBe("http");
});

it("sends ports that stay as they are", () => {
  const ports = [
    { host: 25565, container: 25565, protocol: "both", auto: true, same: true },
    { ip: "::1", host: 1, container: 2, protocol: "udp" },
  ];
  const { ports: text, ...rest } = specOf(container({ ports }));
  expect(text).toBe("25565:25565/both\n[::1]:1:2/udp");
  expect(changesOf({ ...rest, ports: text }, { ...rest, ports: `${text}\n0:80` })?.ports).toEqual([
    { host: 25565, container: 25565, protocol: "both" },
    { ip: "::1", host: 1, container: 2, protocol: "udp" },
    { host: 0, container: 80 },
  ]);
});
