/**
 * Requests to the controller: adds the token, renews it once when it is
 * refused, and turns every failure into an ApiError.
 */
import { errorOf, unreachable } from "./problem";
import { accessToken, type Renewed, type Tokens } from "./session";
import type { Signed } from "./types";

/** `fetch` for whoever is signed in. */
export async function authorised(request: Request): Promise<Response> {
  const token = await tokenOrThrow();
  const first = await attempt(request.clone(), token);
  if (first.status !== 401 || token === null) return first;
  const fresh = await tokenOrThrow(token);
  return fresh === null ? first : attempt(request, fresh);
}

/** `fetch` for signing in and out, where a 401 is about the words and not the token. */
export function anonymous(request: Request): Promise<Response> {
  return attempt(request, null);
}

async function attempt(request: Request, token: string | null): Promise<Response> {
  request.headers.set("X-Lormas-Client", "dashboard"); // no other site can send it: this is what lets the cookie count
  if (token) request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw unreachable();
  }
}

/** What a generated call came to, as its answer or an ApiError. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw errorOf(response.status, error);
  return data as T; // undefined only where the document says that there is no content
}

async function tokenOrThrow(stale?: string): Promise<string | null> {
  return accessToken(renew, stale).catch(() => {
    throw unreachable();
  });
}

/** Asks for a new access token with the cookie. */
export async function renew(): Promise<Renewed> {
  try {
    let response = await refresh();
    for (let again = 0; response.status === 409 && again < 3; again++) {
      await new Promise((resolve) => setTimeout(resolve, 300)); // another tab was first: its cookie is ours, too
      response = await refresh();
    }
    if (response.ok) return { status: "ok", tokens: tokensOf((await response.json()) as Signed, response) };
    // Only a clear no ends the session: a proxy's 502 does not.
    return { status: response.status === 401 || response.status === 403 ? "refused" : "unreachable" };
  } catch {
    return { status: "unreachable" };
  }
}

const refresh = () => anonymous(new Request(`${location.origin}/api/v1/auth/refresh`, { method: "POST" }));

/** The tokens of an answer; its Date says what time it is at the controller. */
export function tokensOf({ accessToken, expiresAt, user }: Signed, response: Response): Tokens {
  const now = Date.parse(response.headers.get("Date") ?? "") || Date.now();
  return { access: accessToken, lifeMs: Date.parse(expiresAt) - now, user };
}

/** Reads anew who is signed in and what he may do. */
export async function renewSession(): Promise<void> {
  await accessToken(renew, (await currentToken()) ?? undefined);
}

/** A token for the broker, where it is the password. */
export const currentToken = () => accessToken(renew);
