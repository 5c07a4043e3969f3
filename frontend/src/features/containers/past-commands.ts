/** What was typed into a console before. Pure. */
export interface Past {
  lines: string[];
  at: number; // which is shown; behind the last: a new one
}

const most = 100;

export function remember({ lines }: Past, line: string): Past {
  const kept = [...lines.filter((other) => other !== line), line].slice(-most);
  return { lines: kept, at: kept.length };
}

export const recall = ({ lines, at }: Past, step: number): Past => ({
  lines,
  at: Math.max(0, Math.min(lines.length, at + step)),
});
