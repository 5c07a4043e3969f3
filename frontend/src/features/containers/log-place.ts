/** The lines of a console as the API sends them, and how far a reader is. Pure. */

import { strings } from "@/strings";
import { appendMark, appendOutput, type LogBuffer } from "./log-lines";

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

export function appendEntry(log: LogBuffer, entry: Entry): LogBuffer {
  if (entry.gap) return appendMark(log, strings.containers.logsGap(entry.gap.from, entry.gap.to));
  if (entry.error !== undefined) return appendMark(log, `— ${entry.error} —`);
  return entry.text === undefined ? log : appendOutput(log, `${entry.text}\n`);
}
