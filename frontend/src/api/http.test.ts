import { beforeEach, describe, expect, it, vi } from "vitest";
import { authorised } from "./http";
import { ApiError, errorOf } from "./problem";
import { forgetSession, session, signedIn } from "./session";

const user = { id: "u", email: "a@b", name: "", mustChangePassword: false };

/** A controller that takes only the token `good`, renewed by the cookie. */
function controller({ good = "new", refresh = 200 } = {}) {
  const calls: string[] = [];
  vi.stubGlobal("fetch", async ({ method, url, headers }: Request) => {
    calls.push(`${method} ${url} ${headers.get("Authorization") ?? "-"}`);
    if (url.endsWith("/auth/refresh")) {
      if (!headers.get("X-Lormas-Client")) return json({}, 403);
      const expiresAt = new Date(Date.now() + 900_000).toISOString();
      return json({ accessToken: "new", expiresAt, user }, refresh);
    }
    if (headers.get("Authorization") !== `Bearer ${good}`) return json({ status: 401 }, 401);
    return json({ ok: true }, 200);
  });
  return calls;
}

const json = (body: unknown, status: number) => new Response(JSON.stringify(body), { status });

const request = (path: string) => authorised(new Request(location.origin + path));

const refreshes = (calls: string[]) => calls.filter((call) => call.includes("refresh")).length;

beforeEach(() => {
  forgetSession();
  signedIn({ access: "old", lifeMs: 900_000, user });
});

describe("a token that is refused", () => {
  it("is renewed once, for all who wait, and the request sent again", async () => {
    const calls = controller();
    const answers = await Promise.all([request("/a"), request("/b"), request("/c")]);
    expect(answers.map((response) => response.status)).toEqual([200, 200, 200]);
    expect(refreshes(calls)).toBe(1);
  });

  it("ends the session when the cookie is refused, too", async () => {
    controller({ refresh: 401 });
    expect((await request("/a")).status).toBe(401);
    expect(session.get()).toEqual({ state: "expired", user });
  });

  it("does not end the session while the controller is away", async () => {
    controller({ refresh: 502 });
    await expect(request("/a")).rejects.toMatchObject({ status: 0, kind: "unreachable" });
    expect(session.get().state).toBe("signed-in");
  });

  it("is not renewed for ever", async () => {
    const calls = controller({ good: "another" });
    expect((await request("/a")).status).toBe(401);
    expect(calls).toHaveLength(3);
  });
});

it("renews a token before it ends", async () => {
  const calls = controller();
  signedIn({ access: "old", lifeMs: 10_000, user });
  await request("/a");
  expect(calls.map((call) => call.split(" ")[2])).toEqual(["-", "Bearer"]);
});

it("renews again when another tab was first", async () => {
  let asked = 0;
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    if (!url.endsWith("/auth/refresh")) return json({}, 200);
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    return ++asked === 1 ? json({}, 409) : json({ accessToken: "new", expiresAt, user }, 200);
  });
  signedIn({ access: "old", lifeMs: 0, user });
  expect((await request("/a")).status).toBe(200);
  expect(asked).toBe(2);
});

it("understands an error that is not ours", () => {
  expect(errorOf(502, "<html>Bad gateway")).toBeInstanceOf(ApiError);
  expect(errorOf(502, null).message).toContain("502");
  expect(errorOf(422, { errors: [{ field: "a" }, 7, { field: "b", message: "c" }] }).faults).toEqual([
    { field: "b", message: "c" },
  ]);
});
