/** Changes to the environment of a container. Pure. */
import type { EnvironmentEdit } from "@/api/types";

export interface Variable {
  name: string;
  value: string; // "" of a secret
  secret: boolean;
}

export function variablesOf(environment: Record<string, string>, secrets: string[]): Variable[] {
  const shown = Object.entries(environment)
    .filter(([name]) => !secrets.includes(name))
    .map(([name, value]): Variable => ({ name, value, secret: false }));
  const hidden = secrets.map((name): Variable => ({ name, value: "", secret: true }));
  return [...shown, ...hidden].sort((a, b) => a.name.localeCompare(b.name));
}

/** What was changed, and nothing else; null where that is nothing. */
export function editOf(before: Variable[], typed: Record<string, string>): EnvironmentEdit | null {
  const changed = before.filter(({ name, value }) => typed[name] !== undefined && typed[name] !== value);
  if (changed.length === 0) return null;
  const of = (secret: boolean) =>
    Object.fromEntries(
      changed.filter((v) => v.secret === secret).map(({ name }) => [name, typed[name] ?? ""]),
    );
  return { environment: of(false), secrets: of(true) };
}
