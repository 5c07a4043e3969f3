/**
 * What was asked of containers and is not answered yet: shown at once, beside
 * what the controller knows, and never in its place.
 */
import type { ContainerVerb } from "@/api/endpoints";
import { Cell, useCell } from "@/lib/cell";
import type { Power } from "@/live/wire";
import { asksFor } from "./verbs";

const wishes = new Cell<ReadonlyMap<string, Power>>(new Map());

/** Called before the controller is asked. Most verbs want another power. */
export function wish(ids: string[], verb: ContainerVerb): void {
  const power = asksFor[verb];
  if (power) wishes.set(new Map([...wishes.get(), ...ids.map((id) => [id, power] as const)]));
}

/** Called when it has refused, or when what it recorded was read again. */
export function unwish(ids: string[]): void {
  wishes.set(new Map([...wishes.get()].filter(([id]) => !ids.includes(id))));
}

export const useWish = (id: string): Power | undefined => useCell(wishes).get(id);
