/** An egg as the JSON that people edit. Pure. */
import type { Egg, EggBody } from "@/api/types";
import { eggs as words } from "@/strings/eggs";

export const blankEgg: EggBody = {
  name: "",
  images: [{ name: "default", image: "" }],
  ports: [],
  volumes: [],
  variables: [],
};

/** What the controller keeps about an egg: nobody edits it. */
const kept = new Set(["id", "generation", "createdAt", "updatedAt"]);

export function bodyOf(egg: Egg): EggBody {
  const own = Object.entries(egg).filter(([key]) => !kept.has(key));
  return Object.fromEntries(own) as unknown as EggBody;
}

export const textOf = (body: EggBody): string => JSON.stringify(body, null, 2);

/** Reads the text; the controller has the last word on what is in it. */
export function readEgg(text: string): { egg: EggBody } | { fault: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { fault: words.badJson(error instanceof Error ? error.message : String(error)) };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return { fault: words.notObject };
  return { egg: json as EggBody };
}

/** The fields that have a box of their own above the text. */
export type Simple = "categoryId" | "name" | "description" | "image" | "startup" | "stop";

export function readSimple(egg: EggBody, field: Simple): string {
  return (field === "image" ? egg.images?.[0]?.image : egg[field]) ?? "";
}

export function writeSimple(egg: EggBody, field: Simple, value: string): EggBody {
  if (field === "name") return { ...egg, name: value };
  if (field === "image") {
    const [first, ...others] = egg.images ?? [];
    return { ...egg, images: [{ name: first?.name || "default", image: value }, ...others] };
  }
  const { [field]: _, ...rest } = egg;
  return value ? { ...rest, [field]: value } : rest;
}
