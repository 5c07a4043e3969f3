/** The lines of a console as the API sends them, and how far a reader is. Pure. */

import { console as words } from "@/strings/console";

/** One line of the answer of /logs?format=json, which has one of four forms. */
export interface Entry {
  book?: string;
  next?: number;
  n?: number;
  text?: string;
  gap?: { from: number; to: number };
  error?: string;
}

export interface Place {
  book?: string;
  after?: number;
}

/** Where a reader is when he has got an entry. */
export function placeAfter(place: Place, entry: Entry): Place {
  if (entry.book !== undefined && entry.next !== undefined)
    return { book: entry.book, after: entry.next - 1 };
  const last = entry.gap?.to ?? entry.n;
  return last === undefined ? place : { ...place, after: last };
}

/** What the screen shows of an entry to somebody who is at a place. */
export function shownOf(place: Place, { book, gap, error, text }: Entry): string {
  if (book !== undefined && place.book !== undefined && book !== place.book) return mark(words.anew);
  if (gap) return mark(words.missing(gap.to - gap.from + 1));
  if (error !== undefined) return mark(error);
  return text === undefined ? "" : `${text}\n`;
}

/** A line of ours between those of the container: black on yellow. */
export const mark = (text: string): string => `\u001b[0;30;43m ${text} \u001b[0m\n`;
