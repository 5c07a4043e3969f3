/** Every call that the dashboard makes, in one place, typed by the OpenAPI document. */
import createClient from "openapi-fetch";
import { anonymous, answer, authorised, tokensOf } from "./http";
import { errorOf } from "./problem";
import type { paths } from "./schema.gen";
import type { Tokens } from "./session";
import type {
  AccountEdit,
  AuditEntry,
  BindingCreate,
  ClusterCreate,
  Container,
  ContainerCreate,
  ContainerEdit,
  Created,
  DrainBody,
  EggBody,
  EnvironmentEdit,
  Job,
  MigrateBody,
  Node,
  NodeEdit,
  Page,
  Question,
  RoleEdit,
  TokenCreate,
  UserEdit,
} from "./types";

const client = createClient<paths>({ baseUrl: location.origin, fetch: authorised });
const door = createClient<paths>({ baseUrl: location.origin, fetch: anonymous });

export type ContainerVerb = "start" | "stop" | "restart" | "kill" | "delete";

export type EggFormat = "PTDL_v2" | "PLCN_v3";

export interface AuditFilter {
  /** The id of what it was done to. */
  target?: string;
  q?: string;
  verb?: string;
  outcome?: AuditEntry["outcome"];
  since?: string;
}

export interface Listing {
  cursor?: string | undefined;
  limit?: number;
  signal: AbortSignal;
}

/** One that a container in a list can be in. */
export type ListedPhase = NonNullable<
  NonNullable<paths["/api/v1/containers"]["get"]["parameters"]["query"]>["phase"]
>;

/** Held to what has this in its name. */
export interface Named {
  q?: string;
  sort?: "name";
}

export interface ContainerFilter {
  nodeId?: string;
  eggId?: string;
  phase?: ListedPhase;
  q?: string;
  sort?: "name" | "-name" | "-updatedAt";
}

export interface EggFilter {
  q?: string;
  categoryId?: string;
}

export interface Described {
  name: string;
  description: string;
}

export interface Reason {
  reason: string;
}

/** That it is not somebody else at an open session. */
export interface Proof {
  currentPassword: string;
  code: string;
}

const pageSize = 200; // the most there is

/** The options of a list: its page, and what it is held to. */
function page<F extends object>({ cursor, limit = pageSize, signal, ...filter }: Listing & F) {
  return { params: { query: { ...filter, limit, ...(cursor && { cursor }) } }, signal };
}

const one = (id: string) => ({ params: { path: { id } } });

/** For a change of what was read at this generation: of another one it is refused. */
const guarded = (id: string, generation: number) => ({
  path: { id },
  header: { "If-Match": `"${generation}"` },
});

/** The options of a list that belongs to one thing. */
const pageOf = (id: string, o: Listing) => {
  const { params, signal } = page(o);
  return { params: { ...params, path: { id } }, signal };
};

function act(id: string, verb: ContainerVerb): Promise<Job> {
  switch (verb) {
    case "start":
      return answer(client.POST("/api/v1/containers/{id}/start", one(id)));
    case "stop":
      return answer(client.POST("/api/v1/containers/{id}/stop", one(id)));
    case "restart":
      return answer(client.POST("/api/v1/containers/{id}/restart", one(id)));
    case "kill":
      return answer(client.POST("/api/v1/containers/{id}/kill", one(id)));
    case "delete":
      return answer(client.DELETE("/api/v1/containers/{id}", one(id)));
  }
}

/** A body that is read while it comes. */
async function stream(call: Promise<{ response: Response; error?: unknown }>): Promise<Response> {
  const { response, error } = await call;
  if (!response.ok) throw errorOf(response.status, typeof error === "string" ? parse(error) : error);
  return response;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const api = {
  auth: {
    async login(body: { email: string; password: string; code?: string }): Promise<Tokens> {
      const call = await door.POST("/api/v1/auth/login", { body });
      return tokensOf(await answer(Promise.resolve(call)), call.response);
    },
    resetPassword: (body: { token: string; newPassword: string }) =>
      answer(door.POST("/api/v1/auth/password-reset", { body })),
    logout: () => answer(door.POST("/api/v1/auth/logout")),
    changePassword: (body: { currentPassword: string; newPassword: string }) =>
      answer(client.POST("/api/v1/auth/password", { body })),
    me: (signal: AbortSignal) => answer(client.GET("/api/v1/auth/me", { signal })),
    editMe: (body: AccountEdit) => answer(client.PATCH("/api/v1/auth/me", { body })),
  },
  totp: {
    begin: (body: { currentPassword: string }) => answer(client.POST("/api/v1/auth/totp", { body })),
    confirm: (body: { code: string }) => answer(client.POST("/api/v1/auth/totp/confirm", { body })),
    renewCodes: (body: Proof) => answer(client.POST("/api/v1/auth/totp/recovery-codes", { body })),
    remove: (body: Proof) => answer(client.DELETE("/api/v1/auth/totp", { body })),
  },
  sessions: {
    list: (o: Listing) => answer(client.GET("/api/v1/auth/sessions", page(o))),
    end: (id: string) => answer(client.DELETE("/api/v1/auth/sessions/{id}", one(id))),
    endOthers: () => answer(client.DELETE("/api/v1/auth/sessions")),
  },
  tokens: {
    list: (o: Listing) => answer(client.GET("/api/v1/auth/tokens", page(o))),
    create: (body: TokenCreate) => answer(client.POST("/api/v1/auth/tokens", { body })),
    revoke: (id: string) => answer(client.DELETE("/api/v1/auth/tokens/{id}", one(id))),
  },
  permissions: {
    list: (signal: AbortSignal) => answer(client.GET("/api/v1/permissions", { signal })),
  },
  nodes: {
    list: (o: Listing & Named) => answer(client.GET("/api/v1/nodes", page(o))),
    get: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/nodes/{id}", { ...one(id), signal })),
    create: (body: { name: string; description: string }) => answer(client.POST("/api/v1/nodes", { body })),
    health: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/nodes/{id}/health", { ...one(id), signal })),
    cordon: (id: string, body: Reason) =>
      answer(client.POST("/api/v1/nodes/{id}/cordon", { ...one(id), body })),
    /** "" takes it out of the one that it is in. */
    moveTo: ({ id, generation }: Node, cluster_id: string) =>
      answer(client.PATCH("/api/v1/nodes/{id}", { params: guarded(id, generation), body: { cluster_id } })),
    edit: (id: string, body: NodeEdit, generation: number) =>
      answer(client.PATCH("/api/v1/nodes/{id}", { params: guarded(id, generation), body })),
    remove: (id: string) => answer(client.DELETE("/api/v1/nodes/{id}", one(id))),
    revokeCredential: (id: string) => answer(client.DELETE("/api/v1/nodes/{id}/credential", one(id))),
    uncordon: (id: string) => answer(client.POST("/api/v1/nodes/{id}/uncordon", one(id))),
    drain: (id: string, body: DrainBody) =>
      answer(client.POST("/api/v1/nodes/{id}/drain", { ...one(id), body })),
    cancelDrain: (id: string) => answer(client.DELETE("/api/v1/nodes/{id}/drain", one(id))),
    confirmDead: (id: string, body: Reason) =>
      answer(client.POST("/api/v1/nodes/{id}/confirm-dead", { ...one(id), body })),
    rotateCredential: (id: string) => answer(client.POST("/api/v1/nodes/{id}/credential/rotate", one(id))),
  },
  fleet: {
    get: (signal: AbortSignal) => answer(client.GET("/api/v1/fleet", { signal })),
    hold: (body: Reason) => answer(client.POST("/api/v1/fleet/hold", { body })),
    release: () => answer(client.POST("/api/v1/fleet/release")),
  },
  containers: {
    // The document has "string" for a phase; ours is the list of shared/spec.
    list: (o: Listing & ContainerFilter) =>
      answer(client.GET("/api/v1/containers", page(o))) as Promise<Page<Container>>,
    get: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/containers/{id}", { ...one(id), signal })) as Promise<Container>,
    create: (body: ContainerCreate, key: string) =>
      answer(
        client.POST("/api/v1/containers", { body, params: { header: { "Idempotency-Key": key } } }),
      ) as Promise<Created>,
    act,
    migrate: (id: string, body: MigrateBody) =>
      answer(client.POST("/api/v1/containers/{id}/migrate", { ...one(id), body })),
    reinstall: (id: string) => answer(client.POST("/api/v1/containers/{id}/reinstall", one(id))),
    edit: (id: string, body: ContainerEdit, generation: number) =>
      answer(client.PATCH("/api/v1/containers/{id}", { params: guarded(id, generation), body })),
    /** "" makes it nobody's. */
    assign: (id: string, ownerId: string) =>
      answer(client.POST("/api/v1/containers/{id}/assign", { ...one(id), body: ownerId ? { ownerId } : {} })),
    secrets: (id: string) => answer(client.GET("/api/v1/containers/{id}/secrets", one(id))),
    editEnvironment: (id: string, body: EnvironmentEdit, generation: number) =>
      answer(
        client.PATCH("/api/v1/containers/{id}/environment", {
          body,
          params: guarded(id, generation),
        }),
      ),
    command: (id: string, command: string) =>
      answer(client.POST("/api/v1/containers/{id}/command", { ...one(id), body: { command } })),
    logs: (id: string, query: { tail: number; after?: number; book?: string }, signal: AbortSignal) =>
      stream(
        client.GET("/api/v1/containers/{id}/logs", {
          params: { path: { id }, query: { ...query, follow: true, format: "json" } },
          parseAs: "stream",
          signal,
        }),
      ),
    stats: (id: string, signal: AbortSignal) =>
      stream(
        client.GET("/api/v1/containers/{id}/stats", {
          params: { path: { id }, query: { follow: true } },
          parseAs: "stream",
          signal,
        }),
      ),
  },
  migrations: {
    list: (o: Listing & { containerId?: string }) =>
      answer(client.GET("/api/v1/migrations", page({ ...o, sort: "-createdAt" as const }))),
    get: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/migrations/{id}", { ...one(id), signal })),
    cancel: (id: string) => answer(client.POST("/api/v1/migrations/{id}/cancel", one(id))),
    rollBack: (id: string) => answer(client.POST("/api/v1/migrations/{id}/rollback", one(id))),
  },
  clusters: {
    list: (o: Listing & Named) => answer(client.GET("/api/v1/clusters", page(o))),
    create: (body: ClusterCreate) => answer(client.POST("/api/v1/clusters", { body })),
    edit: (id: string, body: ClusterCreate, generation: number) =>
      answer(client.PATCH("/api/v1/clusters/{id}", { params: guarded(id, generation), body })),
    remove: (id: string) => answer(client.DELETE("/api/v1/clusters/{id}", one(id))),
  },
  categories: {
    list: (o: Listing) =>
      answer(client.GET("/api/v1/eggs/categories", page({ ...o, sort: "name" as const }))),
    create: (body: Described) => answer(client.POST("/api/v1/eggs/categories", { body })),
    edit: (id: string, body: Described, generation: number) =>
      answer(client.PATCH("/api/v1/eggs/categories/{id}", { params: guarded(id, generation), body })),
    remove: (id: string) => answer(client.DELETE("/api/v1/eggs/categories/{id}", one(id))),
  },
  eggs: {
    list: (o: Listing & EggFilter) => answer(client.GET("/api/v1/eggs", page(o))),
    get: (id: string, signal: AbortSignal) => answer(client.GET("/api/v1/eggs/{id}", { ...one(id), signal })),
    create: (body: EggBody) => answer(client.POST("/api/v1/eggs", { body })),
    importFile: (file: File, query: { dryRun?: boolean; eggId?: string }) =>
      answer(
        client.POST("/api/v1/eggs/import", {
          params: { query },
          body: file as unknown as string,
          bodySerializer: (body) => body,
          headers: { "Content-Type": "application/octet-stream" },
        }),
      ),
    importUrl: (url: string, query: { dryRun?: boolean }) =>
      answer(client.POST("/api/v1/eggs/import", { params: { query: { ...query, url } } })),
    renew: (id: string, query: { dryRun?: boolean }) =>
      answer(client.POST("/api/v1/eggs/update/{id}", { params: { path: { id }, query } })),
    export: (id: string, format: EggFormat) =>
      stream(
        client.GET("/api/v1/eggs/export/{id}", {
          params: { path: { id }, query: { format } },
          parseAs: "stream",
        }),
      ),
    /** Byte for byte as it was imported. */
    source: (id: string) => stream(client.GET("/api/v1/eggs/source/{id}", { ...one(id), parseAs: "stream" })),
    remove: (id: string) => answer(client.DELETE("/api/v1/eggs/{id}", one(id))),
    update: (id: string, body: EggBody, generation: number) =>
      answer(
        client.PUT("/api/v1/eggs/{id}", {
          body,
          params: guarded(id, generation),
        }),
      ),
  },
  jobs: {
    get: (id: string, signal: AbortSignal) => answer(client.GET("/api/v1/jobs/{id}", { ...one(id), signal })),
    list: (o: Listing & { containerId?: string; nodeId?: string }) =>
      answer(client.GET("/api/v1/jobs", page(o))),
  },
  users: {
    list: (o: Listing & Named) => answer(client.GET("/api/v1/users", page(o))),
    get: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/users/{id}", { ...one(id), signal })),
    create: (body: { email: string; name: string }) => answer(client.POST("/api/v1/users", { body })),
    edit: (id: string, body: UserEdit) => answer(client.PATCH("/api/v1/users/{id}", { ...one(id), body })),
    disable: (id: string) => answer(client.POST("/api/v1/users/{id}/disable", one(id))),
    enable: (id: string) => answer(client.POST("/api/v1/users/{id}/enable", one(id))),
    resetPassword: (id: string) => answer(client.POST("/api/v1/users/{id}/password-reset", one(id))),
    signOut: (id: string) => answer(client.DELETE("/api/v1/users/{id}/sessions", one(id))),
    sessions: (id: string, o: Listing) => answer(client.GET("/api/v1/users/{id}/sessions", pageOf(id, o))),
    endSession: (id: string, session: string) =>
      answer(client.DELETE("/api/v1/users/{id}/sessions/{session}", { params: { path: { id, session } } })),
    tokens: (id: string, o: Listing) => answer(client.GET("/api/v1/users/{id}/tokens", pageOf(id, o))),
    revokeToken: (id: string, token: string) =>
      answer(client.DELETE("/api/v1/users/{id}/tokens/{token}", { params: { path: { id, token } } })),
    dropFactor: (id: string) => answer(client.DELETE("/api/v1/users/{id}/totp", one(id))),
    remove: (id: string) => answer(client.DELETE("/api/v1/users/{id}", one(id))),
  },
  roles: {
    list: (o: Listing) => answer(client.GET("/api/v1/roles", page(o))),
    get: (id: string, signal: AbortSignal) =>
      answer(client.GET("/api/v1/roles/{id}", { ...one(id), signal })),
    create: (body: { name: string }) => answer(client.POST("/api/v1/roles", { body })),
    edit: (id: string, body: RoleEdit, generation: number) =>
      answer(client.PATCH("/api/v1/roles/{id}", { params: guarded(id, generation), body })),
    remove: (id: string) => answer(client.DELETE("/api/v1/roles/{id}", one(id))),
  },
  bindings: {
    list: (o: Listing & { userId?: string; roleId?: string }) =>
      answer(client.GET("/api/v1/roles/bindings", page(o))),
    create: (body: BindingCreate) => answer(client.POST("/api/v1/roles/bindings", { body })),
    remove: (id: string) => answer(client.DELETE("/api/v1/roles/bindings/{id}", one(id))),
  },
  explain: (body: Question) => answer(client.POST("/api/v1/authz/explain", { body })),
  audit: {
    list: (o: Listing & AuditFilter) => answer(client.GET("/api/v1/audit", page(o))),
    export: (filter: AuditFilter) =>
      stream(client.GET("/api/v1/audit/export", { params: { query: filter }, parseAs: "stream" })),
  },
};
