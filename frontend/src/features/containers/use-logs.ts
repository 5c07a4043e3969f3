import { useEffect, useState } from "react";
import { api } from "@/api/endpoints";
import { ApiError } from "@/api/problem";
import { emptyLog, type LogBuffer } from "./log-lines";
import { appendEntry, type Entry, type Place, placeAfter } from "./log-place";

const tailLines = 200;
const drawMs = 60; // output that comes within this time is drawn together
const retryMs = 3000;

export interface Logs {
  log: LogBuffer;
  state: "connecting" | "open" | "failed";
  error: unknown;
  clear: () => void;
}

/** Follows a container's output for as long as the component stands. */
export function useLogs(id: string): Logs {
  const [log, setLog] = useState(emptyLog);
  const [status, setStatus] = useState<Pick<Logs, "state" | "error">>({ state: "connecting", error: null });
  useEffect(() => {
    const stop = new AbortController();
    setLog(emptyLog);
    void follow({
      id,
      signal: stop.signal,
      onOpen: () => setStatus({ state: "open", error: null }),
      onEntries: (entries) => setLog((shown) => entries.reduce(appendEntry, shown)),
      onError: (error) => setStatus({ state: "failed", error }),
    });
    return () => stop.abort();
  }, [id]);
  return { log, ...status, clear: () => setLog((shown) => ({ ...shown, lines: [] })) };
}

interface Follow {
  id: string;
  signal: AbortSignal;
  onOpen(): void;
  onEntries(entries: Entry[]): void;
  onError(error: unknown): void;
}

/** Reads the stream, and when it breaks goes on where it was. */
async function follow({ id, signal, onOpen, onEntries, onError }: Follow): Promise<void> {
  let place: Place = {};
  const onLines = (entries: Entry[]) => {
    place = entries.reduce(placeAfter, place);
    onEntries(entries);
  };
  while (!signal.aborted) {
    try {
      const response = await api.containers.logs(id, { tail: tailLines, ...place }, signal);
      onOpen();
      await readEntries(response, onLines);
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) return; // asking again will not help
    }
    await pause(retryMs, signal);
  }
}

async function readEntries(response: Response, onEntries: (entries: Entry[]) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let rest = "";
  let gathered: Entry[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    timer = undefined;
    onEntries(gathered);
    gathered = [];
  };
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) gathered.push(JSON.parse(line) as Entry);
      if (gathered.length > 0) timer ??= setTimeout(draw, drawMs);
    }
  } finally {
    clearTimeout(timer);
    if (gathered.length > 0) draw();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
