/** Errors as the API tells them (RFC 9457), and as everything else fails. */
import { strings } from "@/strings";

export interface Fault {
  field: string;
  line?: number; // in a file that was sent
  message: string;
}

export class ApiError extends Error {
  readonly status: number; // 0: no answer at all
  readonly kind: string;
  readonly title: string;
  readonly faults: Fault[];
  readonly requestId: string;

  constructor(init: { status: number; kind: string; title: string; detail: string } & Partial<ApiErrorRest>) {
    super(init.detail);
    this.status = init.status;
    this.kind = init.kind;
    this.title = init.title;
    this.faults = init.faults ?? [];
    this.requestId = init.requestId ?? "";
  }
}

interface ApiErrorRest {
  faults: Fault[];
  requestId: string;
}

/** Whether somebody else has changed it since it was read. */
export const isStale = (error: unknown): boolean => error instanceof ApiError && error.status === 412;

const typePrefix = "urn:lormas:problem:";

/** The error that an answer tells of; it may come from a proxy on the way. */
export function errorOf(status: number, body: unknown): ApiError {
  const at = isRecord(body) ? body : {};
  const type = text(at.type);
  return new ApiError({
    status,
    kind: type.startsWith(typePrefix) ? type.slice(typePrefix.length) : "unknown",
    title: text(at.title) || strings.errors.unexpected(status),
    detail: text(at.detail) || strings.errors.unexpected(status),
    faults: Array.isArray(at.errors) ? at.errors.filter(isFault) : [],
    requestId: text(at.request_id),
  });
}

/** The error for a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError({
    status: 0,
    kind: "unreachable",
    title: strings.errors.unreachableTitle,
    detail: strings.errors.unreachable,
  });
}

/** Which call of the API does what is advised, in brackets or behind "with": here there are buttons. */
const call =
  /\s*\((?:GET|POST|PUT|PATCH|DELETE) \/api\/[^)]*\)|\s+(?:with|at) (?:GET|POST|PUT|PATCH|DELETE) \/api\/[^\s,;]+/g;

/** The controller's words, as people need them who do not call it themselves. */
export const withoutCalls = (text: string): string => text.replace(call, "");

/** Any error in the words to show. */
export function explain(error: unknown): { title: string; detail: string; requestId: string } {
  if (error instanceof ApiError) {
    return { title: error.title, detail: withoutCalls(error.message), requestId: error.requestId };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return { title: strings.errors.ours, detail, requestId: "" };
}

/**
 * Sorts faults onto the fields of a form: `ports[0].host` is the field
 * `ports.0.host`. What belongs to none of them is left over, to be shown
 * above the form.
 */
export function sortFaults(error: ApiError, fields: (path: string) => boolean) {
  const placed: Array<{ path: string; message: string }> = [];
  const left: Fault[] = [];
  for (const fault of error.faults) {
    const path = fault.field.replace(/\[(\d+)\]/g, ".$1");
    if (fields(path)) placed.push({ path, message: fault.message });
    else left.push(fault);
  }
  return { placed, left };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isFault(value: unknown): value is Fault {
  return isRecord(value) && typeof value.field === "string" && typeof value.message === "string";
}
