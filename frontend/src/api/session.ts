/**
 * Who is signed in. The access token lives in this module's memory only; the
 * refresh token is an HttpOnly cookie that no script can read.
 */
import { Cell } from "@/lib/cell";
import type { User } from "./types";

export type Session =
  | { state: "unknown" } // at start, until the cookie was tried
  | { state: "signed-out" }
  | { state: "expired"; user: User } // who was signed in: the page is kept for them
  | { state: "signed-in"; user: User };

export const session = new Cell<Session>({ state: "unknown" });

let access: { token: string; freshUntil: number } | null = null;
let renewal: Promise<string | null> | null = null;
const renewedListeners = new Set<() => void>();

/** What a sign-in or a renewal gives. */
export interface Tokens {
  access: string;
  /** By the controller's clock: this device's may be wrong. */
  lifeMs: number;
  user: User;
}

/** A token this close to its end is renewed before it is used. */
const marginMs = 30_000;

export function onTokenRenewed(listener: () => void): () => void {
  renewedListeners.add(listener);
  return () => renewedListeners.delete(listener);
}

export function signedIn(tokens: Tokens): void {
  access = { token: tokens.access, freshUntil: Date.now() + tokens.lifeMs - marginMs };
  session.set({ state: "signed-in", user: tokens.user });
  for (const listener of renewedListeners) listener();
}

export function signedOut(): void {
  access = null;
  session.set({ state: "signed-out" });
}

/** The session has ended by itself, or somebody ended it. */
function ended(): void {
  const was = session.get();
  access = null;
  session.set(was.state === "signed-in" ? { state: "expired", user: was.user } : { state: "signed-out" });
}

/** As at the start of a visit. */
export function forgetSession(): void {
  access = null;
  renewal = null;
  session.set({ state: "unknown" });
}

export interface Renewed {
  status: "ok" | "refused" | "unreachable";
  tokens?: Tokens;
}

/**
 * A token that is good now, or null when nobody is signed in. Throws where
 * the controller cannot be asked. `stale` is a token that was just refused.
 */
export async function accessToken(renew: () => Promise<Renewed>, stale?: string): Promise<string | null> {
  if (access && access.token !== stale && Date.now() < access.freshUntil) return access.token;
  if (isOut(session.get())) return null;
  renewal ??= locked(renew).finally(() => {
    renewal = null;
  });
  return renewal;
}

const isOut = ({ state }: Session) => state === "signed-out" || state === "expired";

/** When the token should be renewed ahead of need, in ms from now. */
export function renewIn(): number | null {
  return access && Math.max(1000, access.freshUntil - Date.now());
}

/**
 * A refresh token is good once, and all tabs share the cookie: two that
 * renewed at the same moment would look like a thief.
 */
async function locked(renew: () => Promise<Renewed>): Promise<string | null> {
  const run = () => apply(renew);
  return navigator.locks ? navigator.locks.request("lormas.refresh", run) : run();
}

async function apply(renew: () => Promise<Renewed>): Promise<string | null> {
  const { status, tokens } = await renew();
  if (status === "unreachable") throw new Error("the controller cannot be reached");
  if (!tokens) {
    ended();
    return null;
  }
  signedIn(tokens);
  return tokens.access;
}
