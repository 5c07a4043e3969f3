/** What a few typed letters mean. Pure. */
export interface Target {
  to: string;
  label: string;
  kind: string;
}

const most = 12;

/** Targets that have every word that was typed; those that begin with it first. */
export function find(targets: Target[], typed: string): Target[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const has = ({ label, kind }: Target) =>
    words.every((word) => `${label} ${kind}`.toLowerCase().includes(word));
  const begins = ({ label }: Target) => Number(label.toLowerCase().startsWith(words[0] ?? ""));
  return targets
    .filter(has)
    .sort((a, b) => begins(b) - begins(a))
    .slice(0, most);
}
