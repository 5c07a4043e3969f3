/** Requests and answers of the mock controller. */

export type Body = Record<string, unknown>;
export type Handler = (match: RegExpMatchArray, body: Body, request: Request) => Response | Promise<Response>;
export type Route = [method: string, path: RegExp, handler: Handler];

export function json(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

export const empty = () => new Response(null, { status: 204 });

export function problem(status: number, kind: string, detail: string, errors?: unknown): Response {
  const title = "The mock controller refuses";
  return json(
    { type: `urn:lormas:problem:${kind}`, title, status, detail, errors, request_id: "mock-1" },
    status,
  );
}

export const invalid = (field: string, message: string) =>
  problem(422, "invalid", "some fields are not right; see errors for each", [{ field, message }]);
