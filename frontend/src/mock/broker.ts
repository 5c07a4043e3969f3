/** A broker in memory: what is published reaches whoever subscribed. */
import type { Dial, DialOptions } from "@/live/link";

interface Client {
  options: DialOptions;
  filters: Set<string>;
}

export class MockBroker {
  private clients = new Set<Client>();
  private onWatch: (topic: string, watched: boolean) => void;

  /** `onWatch` hears of every subscription, as the real broker's hook does. */
  constructor(onWatch: (topic: string, watched: boolean) => void = () => {}) {
    this.onWatch = onWatch;
  }

  readonly dial: Dial = async (options) => {
    const client: Client = { options, filters: new Set() };
    setTimeout(() => {
      this.clients.add(client);
      options.onOpen();
    }, 0);
    return {
      subscribe: (filter) => {
        client.filters.add(filter);
        this.onWatch(filter, true);
      },
      unsubscribe: (filter) => {
        client.filters.delete(filter);
        this.onWatch(filter, false);
      },
      end: () => {
        for (const filter of client.filters) this.onWatch(filter, false);
        this.clients.delete(client);
      },
    };
  };

  publish = (topic: string, message: Record<string, unknown>): void => {
    for (const { options, filters } of this.clients) {
      if ([...filters].some((filter) => matches(filter, topic)))
        options.onMessage(JSON.stringify(message), topic);
    }
  };

  /** Cuts everybody off. */
  drop(): void {
    for (const client of [...this.clients]) {
      this.clients.delete(client);
      client.options.onClose();
    }
  }
}

function matches(filter: string, topic: string): boolean {
  const want = filter.split("/");
  const have = topic.split("/");
  return want.length === have.length && want.every((part, i) => part === "+" || part === have[i]);
}
