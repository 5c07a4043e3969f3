/** Puts the mock in the place of the network: `vite --mode mock`. */
import type { Dial } from "@/live/link";
import { MockBroker } from "./broker";
import { MockController } from "./controller";
import { emptyWorld, smallWorld, type World } from "./fixtures";

/** `?mock=empty,signed-out,password,offline` chooses a scene. */
export function install(): Dial {
  const scene = new Set((new URLSearchParams(location.search).get("mock") ?? "").split(","));
  const broker = new MockBroker(sampler((topic, message) => broker.publish(topic, message)));
  const controller = new MockController({
    world: scene.has("empty") ? emptyWorld() : smallWorld(),
    signedIn: !scene.has("signed-out"),
    mustChangePassword: scene.has("password"),
    publish: broker.publish,
  });
  heartbeats(controller.world, broker.publish);
  globalThis.fetch = (input) => controller.fetch(input as Request);
  if (!scene.has("offline")) return broker.dial;
  return async (options) => {
    setTimeout(options.onClose, 50);
    return { subscribe() {}, unsubscribe() {}, end() {} };
  };
}

type Publish = (topic: string, message: Record<string, unknown>) => void;

/** A heartbeat a second of every node that is well; now and then one is lost. */
function heartbeats({ nodes }: World, publish: Publish): void {
  let n = 0;
  setInterval(() => {
    n++;
    for (const { id, state } of nodes) {
      if (state !== "healthy" || n % 9 === 5) continue;
      const timestamp = new Date().toISOString();
      const message = {
        v: 1,
        type: "heartbeat",
        nodeId: id,
        status: "online",
        timestamp,
        docker_ok: true,
        guard_ok: true,
      };
      publish(`lormas/v1/nodes/${id}/heartbeat`, message);
    }
  }, 1000);
}

/** A sample a second on every stats topic that somebody watches. */
function sampler(publish: Publish): (topic: string, watched: boolean) => void {
  const timers = new Map<string, ReturnType<typeof setInterval>>();
  return (topic, watched) => {
    clearInterval(timers.get(topic));
    timers.delete(topic);
    if (!watched || !topic.endsWith("/stats")) return;
    let n = 0;
    const start = Date.now() - 60_000;
    const send = () => publish(topic, sample(start + n * 1000, n++));
    timers.set(topic, setInterval(send, 1000));
    setTimeout(() => Array.from({ length: 60 }, send), 0); // a minute from the past, for the looks
  };
}

function sample(at: number, n: number): Record<string, unknown> {
  return {
    v: 1,
    type: "stats",
    at: new Date(at).toISOString(),
    cpu_cores: 0.18 + 0.1 * Math.sin(n / 6) + 0.03 * Math.sin(n * 1.7),
    memory_bytes: 96 * 2 ** 20 + 2 ** 20 * 9 * Math.sin(n / 20),
    memory_limit_bytes: 256 * 2 ** 20,
    net_rx_bytes: n * 1000,
    net_tx_bytes: n * 3000,
    block_read_bytes: 0,
    block_write_bytes: n * 100,
    pids: 4,
  };
}
