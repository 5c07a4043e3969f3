import { expect, it } from "vitest";
import { withoutCalls } from "./problem";

it.each([
  [
    "node van is being drained: name another node, or cancel that with DELETE /api/v1/nodes/019/drain",
    "node van is being drained: name another node, or cancel that",
  ],
  [
    "node van is cordoned (repairs): uncordon it with POST /api/v1/nodes/019/uncordon, name another node, or send force: true",
    "node van is cordoned (repairs): uncordon it, name another node, or send force: true",
  ],
  [
    "give each to somebody else (POST /api/v1/containers/{id}/assign, or lormas container assign) or delete it",
    "give each to somebody else or delete it",
  ],
  [
    "this password was set by somebody else: change it at POST /api/v1/auth/password, then go on",
    "this password was set by somebody else: change it, then go on",
  ],
  ["ask an administrator (GET well soon)", "ask an administrator (GET well soon)"],
])("leaves calls of the API out: %s", (text, said) => expect(withoutCalls(text)).toBe(said));
