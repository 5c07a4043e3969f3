import { describe, expect, it } from "vitest";
import { ApiError, sortFaults } from "@/api/problem";
import { egg as anEgg } from "@/mock/fixtures";
import { blank, type CreateValues, check, defaultsOf, hasField, requestOf } from "./form";

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

  it("drops variables of an egg that was chosen before", () => {
    const values = filled({ environment: { OTHER: "x", PORT: "81" } });
    expect(requestOf(values, egg).environment).toEqual({ PORT: "81" });
  });
});

it("offers only variables that may be set", () => {
  expect(defaultsOf(egg).environment).toEqual({ PORT: "80", MODE: "fast" });
  expect(defaultsOf(undefined)).toEqual({ image: "", environment: {} });
});

describe("checks", () => {
  it.each([
    ["0", false],
    ["x", false],
    ["1.5", true],
  ])("cpu %j: %s", (text, good) => expect(check.cpu(text) === true).toBe(good));

  it.each([
    ["0", false],
    ["65536", false],
    ["80.5", false],
    ["", false],
    ["80", true],
  ])("port %j: %s", (text, good) => expect(check.port(text) === true).toBe(good));

  it("hold variables to the egg's rules, in the controller's words", () => {
    expect(check.variable(variable("A", ""))("")).toBe(true);
    const ruled = check.variable(variable("A", "", { rules: ["required", "integer"] }));
    expect(ruled("1")).toBe(true);
    expect(ruled("")).toBe("A: a value is required");
    expect(ruled("x")).toBe("A: must be a whole number");
  });
});

it("puts the controller's faults at their fields", () => {
  const values = filled({ ports: [{ host: "80", container: "80", protocol: "tcp" }] });
  const error = new ApiError({
    status: 422,
    kind: "invalid",
    title: "",
    detail: "",
    faults: [
      { field: "ports[0].host", message: "taken" },
      { field: "environment.PORT", message: "no number" },
      { field: "resources.memory", message: "too much" },
      { field: "ports[1].host", message: "there is no such row" },
      { field: "volumes[0].host", message: "not in this form" },
    ],
  });
  const { placed, left } = sortFaults(error, (path) => hasField(values, path));
  expect(placed.map((f) => f.path)).toEqual(["ports.0.host", "environment.PORT", "resources.memory"]);
  expect(left.map((f) => f.field)).toEqual(["ports[1].host", "volumes[0].host"]);
});
