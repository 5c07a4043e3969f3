/** The whole dashboard on a mock controller and broker, for tests. */
import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";
import { queryClient } from "@/api/queries";
import { forgetSession } from "@/api/session";
import { App } from "@/app";
import { MockBroker } from "./broker";
import { MockController, type MockOptions } from "./controller";
import { smallWorld } from "./fixtures";

export function open(path: string, options: Partial<MockOptions> = {}) {
  forgetSession();
  queryClient.clear();
  history.replaceState(null, "", path);
  const broker = new MockBroker();
  const controller = new MockController({
    world: smallWorld(),
    publish: broker.publish,
    stepMs: 0,
    ...options,
  });
  vi.stubGlobal("fetch", controller.fetch);
  render(<App dial={broker.dial} />);
  return {
    controller,
    broker,
    user: userEvent.setup(),
    world: controller.world,
    /** Publishes, and lets the page draw it. */
    tell: (topic: string, message: Record<string, unknown>) =>
      act(async () => broker.publish(`lormas/v1/${topic}`, { v: 1, ...message })),
    /** Waits until messages reach the page. */
    live: () => screen.findAllByText("Live"),
  };
}
