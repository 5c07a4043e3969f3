/** Who is signed in at the mock controller, and his account. */
import type { Me, OwnSession, Permission, Signed, Token, TokenCreate } from "@/api/types";
import { agents, ago, uuid } from "./fixtures";
import { type Body, empty, invalid, json, problem, type Route } from "./rest";

export interface Visitor {
  signedIn?: boolean;
  secondFactor?: boolean;
  mustChangePassword?: boolean;
  grants?: Me["grants"]; // everything, unless given
}

const wrongCode = "this code is not right, or was used before: wait for the next one";

export class People {
  signedIn: boolean;
  readonly tokens: Token[] = [token()];
  private sessions: OwnSession[] = agents.map(session);
  private user: Me["user"];
  private password = "admin123";
  private codes: string[] = [];
  private readonly grants: Me["grants"];
  private next = 1000;

  constructor({
    signedIn = true,
    secondFactor = false,
    mustChangePassword = false,
    grants = [{ permission: "*", scope: "global" }],
  }: Visitor) {
    this.grants = grants;
    this.signedIn = signedIn;
    const at = ago(40 * 86_400);
    this.user = {
      id: uuid(7, 1),
      email: "admin@lormas.local",
      name: "Admin",
      mustChangePassword,
      totp: secondFactor,
      disabled: false,
      theme: "system",
      timeZone: "",
      generation: 1,
      createdAt: at,
      updatedAt: at,
    };
    if (secondFactor) this.codes = newCodes(1);
  }

  table(): Route[] {
    return [
      ["POST", /^\/auth\/login$/, (_, body) => this.login(body)],
      ["POST", /^\/auth\/refresh$/, () => (this.signedIn ? json(this.signed()) : refused())],
      ["POST", /^\/auth\/logout$/, () => this.logout()],
      ["POST", /^\/auth\/password$/, (_, body) => this.changePassword(body)],
      ["POST", /^\/auth\/password-reset$/, (_, body) => this.resetPassword(body)],
      ["GET", /^\/users$/, (_, __, r) => json({ items: this.found(r) })],
      ["GET", /^\/auth\/me$/, () => json(this.me())],
      ["PATCH", /^\/auth\/me$/, (_, body) => this.edit(body)],
      ["POST", /^\/auth\/totp$/, (_, body) => this.proven(body, () => this.seed())],
      ["POST", /^\/auth\/totp\/confirm$/, (_, body) => this.confirm(body)],
      ["POST", /^\/auth\/totp\/recovery-codes$/, (_, body) => this.provenTwice(body, () => this.newCodes())],
      ["DELETE", /^\/auth\/totp$/, (_, body) => this.provenTwice(body, () => this.dropFactor())],
      ["GET", /^\/auth\/sessions$/, () => json({ items: this.sessions })],
      ["DELETE", /^\/auth\/sessions$/, () => this.endSessions((s) => !s.current)],
      ["DELETE", /^\/auth\/sessions\/([^/]+)$/, (m) => this.endSessions((s) => s.id === m[1])],
      ["GET", /^\/auth\/tokens$/, () => json({ items: this.tokens })],
      ["POST", /^\/auth\/tokens$/, (_, body) => this.createToken(body as unknown as TokenCreate)],
      ["DELETE", /^\/auth\/tokens\/([^/]+)$/, (m) => this.revokeToken(m[1])],
      ["GET", /^\/permissions$/, () => json({ items: permissions })],
    ];
  }

  private signed(): Signed {
    const { id, email, name, mustChangePassword } = this.user;
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    return { accessToken: `mock-${this.next++}`, expiresAt, user: { id, email, name, mustChangePassword } };
  }

  private login({ email, password, code }: Body): Response {
    if (email !== this.user.email || password !== this.password) {
      return problem(401, "unauthenticated", "the e-mail address or the password is not right");
    }
    if (this.user.totp && !code) {
      return problem(401, "totp_required", "this account has a second factor: send its code as well");
    }
    if (this.user.totp && !this.isCode(code)) return problem(401, "unauthenticated", "the code is not right");
    this.signedIn = true;
    return json(this.signed());
  }

  private logout(): Response {
    this.signedIn = false;
    return empty();
  }

  private resetPassword({ token }: Body): Response {
    if (token === "used") {
      return problem(401, "unauthenticated", "this link was used: ask an administrator for a new one");
    }
    return empty();
  }

  private changePassword(body: Body): Response {
    return this.proven(body, () => {
      this.password = String(body.newPassword);
      this.user.mustChangePassword = false;
      this.endSessions((s) => !s.current);
      return empty();
    });
  }

  /** Those who are called so. */
  private found(request: Request) {
    const q = new URL(request.url).searchParams.get("q") ?? "";
    const keeper = { ...this.user, id: uuid(7, 2), email: "keeper@lormas.local", name: "Keeper" };
    return [this.user, keeper].filter(({ email }) => email.includes(q));
  }

  private me(): Me {
    const { id: userId, email, mustChangePassword } = this.user;
    return {
      kind: "user",
      userId,
      name: email,
      mustChangePassword,
      grants: this.grants,
      user: { ...this.user },
      recoveryCodes: this.codes.length,
    };
  }

  private edit(body: Body): Response {
    if (body.name === "") return invalid("name", "use 1 to 100 characters");
    Object.assign(this.user, body, { generation: this.user.generation + 1 });
    return json({ ...this.user });
  }

  // The second factor

  private proven({ currentPassword }: Body, act: () => Response): Response {
    if (currentPassword !== this.password)
      return invalid("currentPassword", "this is not your present password");
    return act();
  }

  private provenTwice(body: Body, act: () => Response): Response {
    return this.proven(body, () => (this.isCode(body.code) ? act() : invalid("code", wrongCode)));
  }

  /** A code of the app, or a recovery code, which is used up. */
  private isCode(code: unknown): boolean {
    const left = this.codes.filter((c) => c !== code);
    const used = left.length < this.codes.length;
    this.codes = left;
    return used || code === "123456";
  }

  private seed(): Response {
    const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    const uri = `otpauth://totp/Lormas:${this.user.email}?algorithm=SHA1&digits=6&issuer=Lormas&period=30&secret=${secret}`;
    return json({ secret, uri });
  }

  private confirm({ code }: Body): Response {
    if (code !== "123456") return invalid("code", wrongCode);
    this.user.totp = true;
    this.endSessions((s) => !s.current);
    return this.newCodes();
  }

  private newCodes(): Response {
    this.codes = newCodes(this.next++);
    return json({ recoveryCodes: this.codes });
  }

  private dropFactor(): Response {
    this.user.totp = false;
    this.codes = [];
    return empty();
  }

  // Sessions and tokens

  private endSessions(which: (s: OwnSession) => boolean): Response {
    this.sessions = this.sessions.filter((s) => !which(s));
    return empty();
  }

  private createToken(body: TokenCreate): Response {
    if (this.tokens.some((t) => t.name === body.name)) return invalid("name", "this name is taken");
    const made = { ...body, id: uuid(8, this.next++), createdAt: new Date().toISOString() };
    this.tokens.push(made);
    return json({ ...made, token: `lormas_${"5f3a9c".repeat(10)}` }, 201);
  }

  private revokeToken(id: string | undefined): Response {
    const at = this.tokens.findIndex((t) => t.id === id);
    if (at < 0) return problem(404, "not_found", "there is no such token of yours");
    this.tokens.splice(at, 1);
    return empty();
  }
}

const refused = () => problem(401, "unauthenticated", "sign in first");

const newCodes = (from: number) =>
  Array.from({ length: 10 }, (_, i) => `K3PX-${1000 + ((from * 7 + i * 13) % 9000)}-WY3D-PEHQ`);

function session(userAgent: string, i: number): OwnSession {
  return {
    id: uuid(9, i),
    current: i === 0,
    createdAt: ago((i + 1) * 40_000),
    lastUsedAt: ago(i * 9_000 + 60),
    expiresAt: ago(-86_400),
    address: `192.0.2.${i + 10}`,
    userAgent,
  };
}

function token(): Token {
  return {
    id: uuid(8, 1),
    name: "grafana",
    permissions: ["container.stats.view", "container.view", "node.health.view", "node.view", "job.view"],
    createdAt: ago(9 * 86_400),
    expiresAt: ago(-81 * 86_400),
    lastUsedAt: ago(70),
    lastUsedAddress: "192.0.2.40",
  };
}

const permission = (name: string, description: string, changes: boolean): Permission => ({
  permission: name,
  colons: name.replaceAll(".", ":"),
  description,
  changes,
  roles: ["Superuser"],
});

const permissions = [
  permission("node.view", "see nodes", false),
  permission("node.drain", "move everything off a node", true),
  permission("container.view", "see containers", false),
  permission("container.start", "start containers", true),
  permission("container.logs.view", "read the logs of containers", false),
  permission("user.view", "see users", false),
];
