import { useQueryClient } from "@tanstack/react-query";
import { useReducer } from "react";
import { api } from "@/api/endpoints";
import { keys } from "@/api/queries";
import { emptyList, type Item, type Source, step, toImport } from "./import-list";

/** Looks at files one after the other, and imports those that a person lets. */
export function useImport() {
  const client = useQueryClient();
  const [list, dispatch] = useReducer(step, emptyList);

  const add = async (sources: Source[]) => {
    let key = list.next;
    dispatch({ type: "add", sources });
    for (const source of sources) {
      const at = key++;
      try {
        dispatch({ type: "looked", key: at, seen: await send(source, true) });
      } catch (error) {
        dispatch({ type: "failed", key: at, error });
      }
    }
  };

  const go = async () => {
    for (const { key, source } of toImport(list)) {
      dispatch({ type: "go", key });
      try {
        dispatch({ type: "done", key, seen: await send(source, false) });
      } catch (error) {
        dispatch({ type: "failed", key, error });
      }
    }
    await client.invalidateQueries({ queryKey: keys.eggs });
  };

  return { list, add, go, remove: (item: Item) => dispatch({ type: "remove", key: item.key }) };
}

const send = (source: Source, dryRun: boolean) =>
  typeof source === "string"
    ? api.eggs.importUrl(source, { dryRun })
    : api.eggs.importFile(source, { dryRun });
