import { useEffect, useState } from "react";
import type { LiveConnection } from "@/api/connection";
import { api } from "@/api/endpoints";
import type { Container } from "@/api/types";
import { useLive } from "@/components/live";
import { useCell } from "@/lib/cell";
import { parseMessage, topics } from "@/live/wire";
import { addSample, type Sample } from "./samples";

/**
 * Samples while somebody looks. Being subscribed is what makes the node send
 * them; without the live link the API streams the same.
 */
export function useStats(container: Container): readonly Sample[] {
  const live = useLive();
  const broken = useCell(live.link.status).state === "offline";
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const { id, nodeId } = container;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another container begins anew
  useEffect(() => setSamples([]), [id]);
  useEffect(() => {
    const take = (payload: string) => {
      const message = parseMessage(payload);
      if (message?.type === "stats") setSamples((shown) => addSample(shown, message));
    };
    return broken ? overHTTP(id, take) : overLink(live, topics.containerStats(nodeId, id), take);
  }, [live, broken, id, nodeId]);
  return samples;
}

function overLink(live: LiveConnection, topic: string, take: (payload: string) => void): () => void {
  return live.listen(topic, take);
}

function overHTTP(id: string, take: (payload: string) => void): () => void {
  const stop = new AbortController();
  const read = async () => {
    const response = await api.containers.stats(id, stop.signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line.replace(/^data:\s*/, ""));
    }
  };
  read().catch(() => {}); // the live dot says that we are cut off
  return () => stop.abort();
}
