/** Dials the controller's broker. The only file that knows MQTT.js. */
import type { Dial } from "./link";

export const dialBroker: Dial = async ({ password, onOpen, onMessage, onClose }) => {
  const { default: mqtt } = await import("mqtt"); // 100 kB: not part of the first load
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const client = mqtt.connect(`${scheme}://${location.host}/mqtt`, {
    protocolVersion: 4,
    clientId: `dashboard-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`,
    username: "dashboard",
    password,
    clean: true,
    keepalive: 60, // hidden tabs get a timer a minute
    timerVariant: "native", // the other one is a worker made of a blob, which our CSP forbids
    connectTimeout: 10_000,
    reconnectPeriod: 0, // the link dials, with a fresh token
    resubscribe: false,
  });
  client.on("connect", onOpen);
  client.on("message", (topic, payload, { retain }) => onMessage(payload.toString(), topic, retain));
  client.on("close", onClose);
  client.on("error", () => client.end(true)); // refused: close follows
  return {
    subscribe: (filter) => void client.subscribe(filter, { qos: 0 }),
    unsubscribe: (filter) => void client.unsubscribe(filter),
    end: () => void client.end(true),
  };
};
