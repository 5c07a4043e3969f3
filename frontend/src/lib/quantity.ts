/**
 * Amounts as people read and write them. The rules are those of shared/spec:
 * units are powers of 1024, "512m" is 512 MiB, cpu is a number of cores.
 */

const unitScale: Record<string, number> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Reads "512m", "1.5GiB" and the like into bytes, or null where it is none. */
export function parseBytes(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?|b)?$/.exec(text.trim().toLowerCase());
  const scale = unitScale[found?.[2] ?? ""];
  return found?.[1] && scale ? Math.round(Number(found[1]) * scale) : null;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Three significant digits and a unit: "1.46 GiB". */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "–";
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 ? String(Math.round(value)) : trimmed(value);
  return `${bytes < 0 ? "−" : ""}${text} ${units[unit]}`;
}

/** A part and its whole in the unit of the whole: "2.6 / 8 GiB". */
export function formatBytesOf(part: number, whole: number): string {
  const [number = "", unit = ""] = formatBytes(whole).split(" ");
  const scale = 1024 ** Math.max(0, units.indexOf(unit));
  return `${trimmed(part / scale)} / ${number} ${unit}`;
}

export function formatCores(cores: number): string {
  return Number.isFinite(cores) ? trimmed(cores) : "–";
}

function trimmed(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

/** A share of a whole as 0…1; nothing of nothing is 0. */
export function share(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
