/** Files on their way to becoming eggs. Pure. */
import { ApiError, type Fault } from "@/api/problem";
import type { ImportedEgg } from "@/api/types";

/** What is imported: a file, or the address of one. */
export type Source = File | string;

export interface Item {
  key: number;
  source: Source;
  /** looking and going are under way; ready waits for a person. */
  state: "looking" | "ready" | "going" | "done" | "refused";
  seen?: ImportedEgg;
  error?: unknown;
}

export type Action =
  | { type: "add"; sources: Source[] }
  | { type: "looked"; key: number; seen: ImportedEgg }
  | { type: "go"; key: number }
  | { type: "done"; key: number; seen: ImportedEgg }
  | { type: "failed"; key: number; error: unknown }
  | { type: "remove"; key: number };

export interface List {
  items: Item[];
  next: number;
}

export const emptyList: List = { items: [], next: 1 };

export function step(list: List, action: Action): List {
  switch (action.type) {
    case "add": {
      const fresh = action.sources.map(
        (source, i): Item => ({ key: list.next + i, source, state: "looking" }),
      );
      return { items: [...list.items, ...fresh], next: list.next + fresh.length };
    }
    case "looked":
      return change(list, action.key, { state: "ready", seen: action.seen });
    case "go":
      return change(list, action.key, { state: "going" });
    case "done":
      return change(list, action.key, { state: "done", seen: action.seen });
    case "failed":
      return change(list, action.key, { state: "refused", error: action.error });
    case "remove":
      return { ...list, items: list.items.filter((item) => item.key !== action.key) };
  }
}

function change(list: List, key: number, by: Partial<Item>): List {
  return { ...list, items: list.items.map((item) => (item.key === key ? { ...item, ...by } : item)) };
}

export const nameOf = (source: Source): string => (typeof source === "string" ? source : source.name);

/** What is wrong with the file, line by line; none where something else went wrong. */
export const faultsOf = (error: unknown): Fault[] => (error instanceof ApiError ? error.faults : []);

/** Those that an import would change something with. */
export const toImport = (list: List): Item[] =>
  list.items.filter((item) => item.state === "ready" && item.seen?.outcome !== "unchanged");
