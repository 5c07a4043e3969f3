/** The next place of what arrow keys go through, around the ends. */
export const moved = (at: number, step: number, count: number): number =>
  count === 0 ? 0 : (at + step + count) % count;
