import { describe, expect, it } from "vitest";
import { egg as anEgg } from "@/mock/fixtures";
import {
  blank,
  type CreateValues,
  defaultsOf,
  faultsOf,
  fieldOf,
  requestOf,
  type Step,
  stepAt,
  stepOf,
  steps,
  stepsFor,
} from "./form";

const variable = (env: string, value: string, rest = {}) => ({
  name: env,
  env,
  default: value,
  user_viewable: true,
  user_editable: true,
  ...rest,
});

const egg = {
  ...anEgg(),
  images: [
    { name: "one", image: "demo:1" },
    { name: "two", image: "demo:2" },
  ],
  variables: [
    variable("PORT", "80"),
    variable("MODE", "fast"),
    variable("KEY", "k", { user_editable: false }),
  ],
};

const filled = (change: Partial<CreateValues> = {}): CreateValues => ({
  ...blank,
  ...defaultsOf(egg),
  name: " web ",
  eggId: egg.id,
  ...change,
});

describe("the request", () => {
  it("leaves to the egg what was not changed", () => {
    expect(requestOf(filled(), egg)).toEqual({
      name: "web",
      eggId: egg.id,
      type: "standard",
      resources: { cpu: 0.5, memory: "512m", disk: "1g" },
      environment: {},
    });
  });

  it("has a policy and a cluster only of what is to move by itself", () => {
    const chosen = { ha_policy: "exclusive", preferred_cluster_id: "c1" } as const;
    expect(requestOf(filled({ ha: true, ...chosen }), egg)).toMatchObject({ type: "ha", ...chosen });
    const off = requestOf(filled({ ha: false, ...chosen }), egg);
    expect(off.type).toBe("standard");
    expect(off).not.toHaveProperty("ha_policy");
    expect(off).not.toHaveProperty("preferred_cluster_id");
    expect(requestOf(filled({ ha: true }), egg)).not.toHaveProperty("ha_policy");
  });

  it("says what was changed", () => {
    const values = filled({
      nodeId: "n1",
      image: "two",
      environment: { PORT: "81", MODE: "fast" },
      ports: [
        { host: "", container: "80", protocol: "tcp" },
        { host: "8081", container: "81", protocol: "udp" },
      ],
    });
    expect(requestOf(values, egg)).toMatchObject({
      nodeId: "n1",
      image: "two",
      environment: { PORT: "81" },
      ports: [
        { container: 80, protocol: "tcp" },
        { container: 81, protocol: "udp", host: 8081 },
      ],
    });
  });

  it("says how it starts, whose it is, with which it is kept apart and what more it mounts", () => {
    const startup_commands = ["plain", "modded"].map((name) => ({ name, command: `run ${name}` }));
    const two = { ...egg, startup_commands };
    const values = {
      ...filled(),
      ...defaultsOf(two),
      owner: { id: "u1", typed: "a@b.example" },
      group: " web ",
    };
    expect(values.startup).toBe("plain");
    const asked = requestOf({ ...values, volumes: "data:/data\n\n/srv:/srv:ro:shared" }, two);
    expect(asked).toMatchObject({
      ownerId: "u1",
      group: "web",
      volumes: [
        { host: "data", container: "/data" },
        { host: "/srv", container: "/srv", read_only: true, shared: true },
      ],
    });
    expect(asked).not.toHaveProperty("startup"); // the egg's first
    expect(asked).not.toHaveProperty("owner");
    expect(requestOf({ ...values, startup: "modded" }, two).startup).toBe("modded");
    const one = { ...egg, startup_commands: startup_commands.slice(0, 1) };
    expect(defaultsOf(one).startup).toBe(""); // no choice, which the controller would refuse to make
  });

  it("drops variables of an egg that was chosen before", () => {
    const values = filled({ environment: { OTHER: "x", PORT: "81" } });
    expect(requestOf(values, egg).environment).toEqual({ PORT: "81" });
  });
});

it("offers only variables that may be set", () => {
  expect(defaultsOf(egg).environment).toEqual({ PORT: "80", MODE: "fast" });
  expect(defaultsOf(undefined)).toEqual({ image: "", startup: "", environment: {} });
});

describe("faults", () => {
  const of = (step: Step, change: Partial<CreateValues>, from = egg) => faultsOf(step, filled(change), from);
  const cpu = (text: string) => of("resources", { resources: { cpu: text, memory: "64m", disk: "1g" } });
  const port = (host: string, container: string) =>
    of("ports", { ports: [{ host, container, protocol: "tcp" }] });

  it("are there of no step that is filled in", () => {
    expect(steps.flatMap((step) => of(step, {}))).toEqual([]);
  });

  it.each([
    ["", "Give it a name."],
    [" ", "Give it a name."],
    [
      "a\u202eb",
      '"a\\u202eb" cannot be a name: use 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    ],
    [
      ".x",
      '".x" cannot be a name: use 1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    ],
  ])("name %j: %s", (name, message) => {
    expect(of("egg", { name })).toEqual([{ path: "name", message }]);
  });

  it("are all that a step has", () => {
    expect(faultsOf("egg", blank, undefined).map(({ path }) => path)).toEqual(["eggId", "name"]);
    const resources = { cpu: "0.5", memory: "5m", disk: "lots" };
    expect(of("resources", { resources })).toEqual([
      { path: "resources.memory", message: "5m is too little: give at least 6m" },
      { path: "resources.disk", message: "Give a size such as 512m or 10g." },
    ]);
  });

  it.each([
    ["0", 1],
    ["x", 1],
    ["0.001", 1],
    ["1.5", 0],
  ])("cpu %j: %d", (text, count) => expect(cpu(text)).toHaveLength(count));

  it.each([
    ["", "80", []],
    ["65536", "80", ["ports.0.host"]],
    ["80", "80.5", ["ports.0.container"]],
    ["0", "", ["ports.0.host", "ports.0.container"]],
  ])("ports %j → %j: %j", (host, container, paths) =>
    expect(port(host, container).map(({ path }) => path)).toEqual(paths),
  );

  it("are of an owner who was not found, whatever else is wrong", () => {
    const message = "Nobody was chosen: choose one of those that are found, or leave it empty.";
    expect(of("egg", { owner: { id: "", typed: "bob" } })).toEqual([{ path: "owner", message }]);
    expect(of("egg", { owner: { id: "", typed: "bob" }, name: "" }).map(({ path }) => path)).toEqual([
      "name",
      "owner",
    ]);
    expect(of("egg", { owner: { id: "u1", typed: "bob@b.example" } })).toEqual([]);
    expect(of("egg", { owner: { id: "", typed: " " } })).toEqual([]);
  });

  it("are of a group that is no name", () => {
    const [fault] = of("egg", { group: "a b" });
    expect(fault?.path).toBe("group");
    expect(fault?.message).toMatch(/^"a b" cannot be the name of a group: use 1 to 63 letters/);
  });

  it.each([
    ["data:/data\n /srv/x:/data2:ro ", ""],
    ["data", '"data" is no volume: write it like data:/var/lib/data, or /srv/data:/data:ro'],
    ["a:/a:rw", '"a:/a:rw" is no volume: write it like data:/var/lib/data, or /srv/data:/data:ro'],
    ["/:/a", '"/" must be a clean path below /, without .. or a trailing slash'],
    ["/srv/../etc:/a", '"/srv/../etc" must be a clean path below /, without .. or a trailing slash'],
    ["../x:/a", '"../x" must be an absolute path or the name of a volume'],
    ["a:data", '"data" must be a clean absolute path inside the container'],
    ["a:/data/", '"/data/" must be a clean absolute path inside the container'],
    ["a:/data\nb:/data", "/data is mounted twice"],
  ])("volumes %j: %s", (volumes, message) => {
    expect(of("ports", { volumes })).toEqual(message ? [{ path: "volumes", message }] : []);
  });

  it("hold variables to the egg's rules, in the controller's words", () => {
    const ruled = {
      ...egg,
      variables: [variable("A", "", { name: "Port", rules: ["required", "integer"] })],
    };
    const a = (A: string) => of("variables", { environment: { A } }, ruled);
    expect(a("1")).toEqual([]);
    expect(a("")).toEqual([{ path: "environment.A", message: "Port: a value is required" }]);
    expect(a("x")).toEqual([{ path: "environment.A", message: "Port: must be a whole number" }]);
  });
});

describe("steps", () => {
  it("are left out where there is nothing to set", () => {
    expect(stepsFor(egg, true)).toEqual(steps);
    expect(stepsFor({ ...egg, variables: [] }, false)).toEqual(["egg", "resources", "ports", "review"]);
    expect(stepsFor(undefined, true)).toContain("variables");
  });

  it.each([
    ["", {}, "egg"],
    ["nonsense", {}, "egg"],
    ["review", {}, "review"],
    ["review", { name: "" }, "egg"],
    ["review", { ports: [{ host: "x", container: "80", protocol: "tcp" }] }, "ports"],
    ["ports", { ports: [{ host: "x", container: "80", protocol: "tcp" }] }, "ports"],
  ] as Array<[string, Partial<CreateValues>, Step]>)("%j with %j is %s", (wanted, change, step) => {
    expect(stepAt(wanted, stepsFor(egg, true), filled(change), egg)).toBe(step);
  });

  it("own what the controller's faults are about", () => {
    const values = filled({ ports: [{ host: "80", container: "80", protocol: "tcp" }], ha: true });
    const owners: Array<[string, Step]> = [
      ["name", "egg"],
      ["startup", "egg"],
      ["ownerId", "egg"],
      ["group", "egg"],
      ["environment.PORT", "variables"],
      ["nodeId", "resources"],
      ["resources.memory", "resources"],
      ["ports.0.host", "ports"],
      ["volumes.0.host", "ports"],
      ["ha_policy", "availability"],
    ];
    for (const [path, step] of owners) expect([path, stepOf(path, values)]).toEqual([path, step]);
    expect(fieldOf("ownerId")).toBe("owner");
    expect(fieldOf("volumes.1.host")).toBe("volumes");
    expect(fieldOf("ports.1.host")).toBe("ports.1.host");
    for (const path of ["ports.1.host", "environment.KEY", "ports"]) expect(stepOf(path, values)).toBeNull();
    expect(stepOf("ha_policy", filled())).toBeNull();
  });
});
