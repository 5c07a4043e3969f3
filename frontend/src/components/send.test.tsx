import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { errorOf, type Fault } from "@/api/problem";
import { useSend } from "./send";

const wrong = (...errors: Fault[]) =>
  errorOf(422, { title: "The request is not right", detail: "see errors for each", errors });

function Form({ send }: { send: (typed: { size: { memory: string } }) => Promise<unknown> }) {
  const { form, fault, faultOf, submit, sent } = useSend({ blank: { size: { memory: "" } }, send });
  return (
    <form onSubmit={submit}>
      {fault}
      <input aria-label="Memory" {...form.register("size.memory", { required: "too little" })} />
      <p>{faultOf("size")}</p>
      <button type="submit">Send</button>
      {sent && "sent"}
    </form>
  );
}

function open(send: Parameters<typeof Form>[0]["send"]) {
  const client = new QueryClient({ defaultOptions: { mutations: { retry: false } } });
  render(<Form send={send} />, {
    wrapper: ({ children }) => <QueryClientProvider client={client}>{children}</QueryClientProvider>,
  });
  const user = userEvent.setup();
  return {
    type: (text: string) => user.type(screen.getByLabelText("Memory"), text),
    press: () => user.click(screen.getByRole("button")),
  };
}

it("sends again what was refused for a group of fields", async () => {
  const { type, press } = open(async ({ size }) => {
    if (size.memory !== "12m") throw wrong({ field: "size", message: "is no size" });
  });
  await type("1");
  await press();
  expect(await screen.findByText("is no size")).toBeVisible();
  expect(screen.queryByText("The request is not right")).toBeNull(); // said at the field
  await userEvent.clear(screen.getByLabelText("Memory"));
  await press();
  await waitFor(() => expect(screen.queryByText("is no size")).toBeNull());
  await type("12m");
  expect(screen.queryByText("The request is not right")).toBeNull(); // nor when what is typed corrects that
  await press();
  expect(await screen.findByText("sent")).toBeVisible();
  expect(screen.queryByText("is no size")).toBeNull();
});

it("shows what belongs to none of the fields beside what does", async () => {
  const { type, press } = open(async () => {
    throw wrong({ field: "size", message: "is no size" }, { field: "image", message: "is unknown" });
  });
  await type("1");
  await press();
  expect(await screen.findByText("is no size")).toBeVisible();
  await waitFor(() => expect(screen.getByText("is unknown")).toBeVisible());
});
