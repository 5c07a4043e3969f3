import { useEffect, useState } from "react";
import { api } from "@/api/endpoints";
import { ApiError } from "@/api/problem";
import { strings } from "@/strings";
import { appendMark, appendOutput, emptyLog, type LogBuffer } from "./log-lines";

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
      onOutput: (chunk) => setLog((shown) => appendOutput(shown, chunk)),
      onMark: (text) => setLog((shown) => appendMark(shown, text)),
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
  onOutput(chunk: string): void;
  onMark(text: string): void;
  onError(error: unknown): void;
}

/** Reads the stream, and opens it again when it breaks; a gap is shown. */
async function follow({ id, signal, onOpen, onOutput, onMark, onError }: Follow): Promise<void> {
  let tail = tailLines;
  while (!signal.aborted) {
    try {
      const response = await api.containers.logs(id, { tail, follow: true }, signal);
      onOpen();
      if (tail === 0) onMark(strings.containers.logsGap);
      tail = 0;
      await readText(response, onOutput);
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) return; // asking again will not help
    }
    await pause(retryMs, signal);
  }
}

async function readText(response: Response, onOutput: (chunk: string) => void): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  let gathered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    timer = undefined;
    onOutput(gathered);
    gathered = "";
  };
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      gathered += part.value;
      timer ??= setTimeout(draw, drawMs);
    }
  } finally {
    clearTimeout(timer);
    if (gathered) draw();
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
