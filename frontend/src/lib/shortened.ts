/** A list for a table: the first few, and how many more there are. */
export function shortened(permissions: string[], most = 3): { shown: string; more: number } {
  const more = permissions.length > most + 1 ? permissions.length - most : 0;
  return { shown: permissions.slice(0, more ? most : undefined).join(", "), more };
}
