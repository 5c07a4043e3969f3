import { act, screen, waitFor, within } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import decodeQR from "qr/decode.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { theme } from "@/lib/theme";
import { timeZone } from "@/lib/time-zone";
import { open } from "@/mock/harness";

beforeEach(() => localStorage.clear());
afterEach(() => {
  vi.unstubAllGlobals();
  timeZone.set("");
});

const panel = async (name: string) => within(await screen.findByRole("region", { name }));

const button = (name: string) => screen.findByRole("button", { name });

async function retype(user: UserEvent, field: HTMLElement, text: string) {
  await user.clear(field);
  await user.type(field, text);
}

describe("the profile", () => {
  it("keeps name, theme and time zone, and takes them over at once", async () => {
    const { user } = open("/account");
    const profile = await panel("Profile");
    expect(profile.getByLabelText("Email")).toHaveValue("admin@lormas.local");
    await retype(user, profile.getByLabelText("Name"), "Jane Doe");
    await user.selectOptions(profile.getByLabelText("Theme"), "Dark");
    await user.selectOptions(profile.getByLabelText("Time zone"), "Europe/Berlin");
    await user.click(profile.getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("link", { name: "Account of Jane Doe" })).toBeInTheDocument();
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe("dark"));
    await waitFor(() => expect(timeZone.get()).toBe("Europe/Berlin"));
  });

  it("shows the controller's fault at its field", async () => {
    const { user } = open("/account");
    const profile = await panel("Profile");
    await user.clear(profile.getByLabelText("Name"));
    await user.click(profile.getByRole("button", { name: "Save" }));
    expect(await profile.findByText("use 1 to 100 characters")).toBeVisible();
    expect(profile.getByLabelText("Name")).toHaveAttribute("aria-invalid", "true");
  });

  it("does not go over what was chosen on this device", async () => {
    localStorage.setItem("lormas.theme", "light");
    open("/account");
    await panel("Profile");
    await waitFor(() => expect(localStorage.getItem("lormas.theme.account")).toBe("system"));
    expect(theme.get()).toBe("light");
  });
});

describe("the password", () => {
  it("is changed by who knows the present one", async () => {
    const { user } = open("/account");
    const form = await panel("Password");
    await user.type(form.getByLabelText("Current password"), "nonsense");
    await user.type(form.getByLabelText("New password"), "correct horse");
    await user.type(form.getByLabelText("New password again"), "correct house{Enter}");
    expect(await form.findByText("The two are not the same.")).toBeVisible();
    await retype(user, form.getByLabelText("New password again"), "correct horse");
    await user.click(form.getByRole("button", { name: "Change password" }));
    expect(await form.findByText("this is not your present password")).toBeVisible();
    await retype(user, form.getByLabelText("Current password"), "admin123");
    await user.click(form.getByRole("button", { name: "Change password" }));
    expect(await form.findByText(/signed out everywhere else/)).toBeVisible();
    expect(form.getByLabelText("New password")).toHaveValue("");
    const sessions = await panel("Sessions");
    await waitFor(() => expect(sessions.queryByRole("button")).toBeNull());
  });
});

/** What a camera reads from the code that is drawn. */
function scan(svg: HTMLElement): string {
  const size = Number(svg.getAttribute("viewBox")?.split(" ")[2]);
  const scale = 4;
  const wide = size * scale;
  const data = new Uint8Array(wide * wide * 4).fill(255);
  const runs = svg.querySelector("path")?.getAttribute("d") ?? "";
  for (const [, x, y, length] of runs.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
      const from = (row * wide + Number(x) * scale) * 4;
      data.fill(0, from, from + Number(length) * scale * 4);
    }
  }
  return decodeQR({ width: wide, height: wide, data });
}

describe("the second factor", () => {
  it("is added, and asked for at the next sign-in", async () => {
    const { user, controller } = open("/account");
    await user.click(await button("Add a second factor"));
    const dialog = within(await screen.findByRole("dialog", { name: "Add a second factor" }));
    await user.type(dialog.getByLabelText("Current password"), "nonsense{Enter}");
    expect(await dialog.findByText("this is not your present password")).toBeVisible();
    await retype(user, dialog.getByLabelText("Current password"), "admin123{Enter}");

    const drawn = await dialog.findByRole("img", { name: /QR code/ });
    expect(scan(drawn)).toMatch(/^otpauth:\/\/totp\/Lormas:admin@lormas.local\?.*secret=JBSWY3DPEHPK3PXP/);
    expect(dialog.getByText("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")).toBeVisible();
    await user.type(dialog.getByLabelText("Code"), "654321{Enter}");
    expect(await dialog.findByText(/this code is not right/)).toBeVisible();
    await retype(user, dialog.getByLabelText("Code"), "123456{Enter}");

    const codes = await screen.findByRole("list", { name: "Your recovery codes" });
    const all = within(codes)
      .getAllByRole("listitem")
      .map((item) => item.textContent ?? "");
    expect(all).toHaveLength(10);
    await user.keyboard("{Escape}"); // a slip must not lose them
    const file = screen.getByRole("link", { name: "Download" });
    expect(decodeURIComponent(file.getAttribute("href") ?? "")).toContain(all.join("\n"));
    await user.click(screen.getByRole("button", { name: "I have kept them" }));
    expect(screen.queryByText(all[0] as string)).toBeNull();
    expect(await screen.findByText(/10 are left/)).toBeVisible();

    await user.click(screen.getAllByRole("button", { name: "Sign out" })[0] as HTMLElement);
    await user.type(await screen.findByLabelText("Email"), "admin@lormas.local");
    await user.type(screen.getByLabelText("Password"), "admin123{Enter}");
    await user.type(await screen.findByLabelText("Code"), "123456{Enter}");
    expect(await screen.findByRole("heading", { name: "Account" })).toBeVisible();
    expect(controller.requests.filter((r) => r === "POST /auth/login")).toHaveLength(2);
  });

  it("is removed by password and code only", async () => {
    const { user } = open("/account", { secondFactor: true });
    await user.click(await button("Remove"));
    const dialog = within(await screen.findByRole("dialog", { name: "Remove the second factor?" }));
    await user.type(dialog.getByLabelText("Current password"), "admin123");
    await user.type(dialog.getByLabelText("Code"), "654321{Enter}");
    expect(await dialog.findByText(/this code is not right/)).toBeVisible();
    await retype(user, dialog.getByLabelText("Code"), "123456{Enter}");
    expect(await button("Add a second factor")).toBeVisible();
  });

  it("gets new recovery codes", async () => {
    const { user } = open("/account", { secondFactor: true });
    await user.click(await button("New recovery codes"));
    const dialog = within(await screen.findByRole("dialog", { name: "New recovery codes" }));
    await user.click(dialog.getByRole("button", { name: "Make new codes" }));
    expect(await dialog.findByText("Enter the code.")).toBeVisible();
    await user.type(dialog.getByLabelText("Current password"), "admin123");
    await user.type(dialog.getByLabelText("Code"), "123456{Enter}");
    const codes = await screen.findByRole("list", { name: "Your recovery codes" });
    expect(within(codes).getAllByRole("listitem")).toHaveLength(10);
  });
});

describe("sessions", () => {
  it("are ended one by one, and all others at once", async () => {
    const { user, controller } = open("/account");
    const sessions = await panel("Sessions");
    expect(await sessions.findByText("Firefox on Linux")).toBeVisible();
    await user.click(sessions.getByRole("button", { name: "Sign out lormas-cli" }));
    await waitFor(() => expect(sessions.queryByText("lormas-cli")).toBeNull());
    await user.click(sessions.getByRole("button", { name: "Sign out everywhere else" }));
    await waitFor(() => expect(sessions.queryByText("Chrome on Android")).toBeNull());
    expect(sessions.getByText("this one")).toBeVisible();
    expect(sessions.queryByRole("button")).toBeNull();
    expect(controller.requests).toContain("DELETE /auth/sessions");
  });
});

describe("API tokens", () => {
  it("are made with a part of what one may do, and shown once", async () => {
    const { user, controller } = open("/account", {
      grants: [
        { permission: "container.*", scope: "global" },
        { permission: "node.view", scope: "global" },
      ],
    });
    await user.click(await button("New token"));
    const dialog = within(await screen.findByRole("dialog", { name: "New API token" }));
    await dialog.findByText("0 of 4");
    expect(dialog.queryByRole("checkbox", { name: /user.view/ })).toBeNull(); // one has it not
    await user.click(dialog.getByRole("button", { name: "Create token" }));
    expect(await dialog.findByText("Give it a name.")).toBeVisible();
    expect(dialog.getByText("Choose at least one permission.")).toBeVisible();

    await user.type(dialog.getByLabelText("Name"), "grafana");
    await user.click(dialog.getByRole("button", { name: "Only reading" }));
    await user.click(dialog.getByRole("checkbox", { name: /container.start/ }));
    await user.click(dialog.getByRole("checkbox", { name: /node.view/ }));
    await user.selectOptions(dialog.getByLabelText("Expires"), "in a week");
    await user.click(dialog.getByRole("button", { name: "Create token" }));
    expect(await dialog.findByText("this name is taken")).toBeVisible();
    await retype(user, dialog.getByLabelText("Name"), "ci");
    await user.click(dialog.getByRole("button", { name: "Create token" }));
    expect(await dialog.findByText(/^lormas_/)).toBeVisible();

    const made = controller.people.tokens.at(-1);
    expect(made?.permissions.toSorted()).toEqual([
      "container.logs.view",
      "container.start",
      "container.view",
    ]);
    expect(Date.parse(made?.expiresAt ?? "")).toBeGreaterThan(Date.now() + 6 * 86_400_000);
    await user.click(dialog.getByRole("button", { name: "Done" }));
    expect(screen.queryByText(/^lormas_/)).toBeNull();
    expect(await screen.findByRole("button", { name: "Revoke ci" })).toBeVisible();
  });

  it("are revoked, after a question", async () => {
    const { user, controller } = open("/account");
    await user.click(await button("Revoke grafana"));
    const dialog = within(await screen.findByRole("dialog", { name: "Revoke grafana?" }));
    expect(controller.people.tokens).toHaveLength(1);
    await user.click(dialog.getByRole("button", { name: "Revoke" }));
    expect(await screen.findByText("No API tokens")).toBeVisible();
  });
});

it("shows times by the clock of the account", async () => {
  open("/audit");
  const entry = (await screen.findAllByRole("row"))[1] as HTMLElement;
  const before = entry.textContent;
  act(() => timeZone.set("Asia/Kathmandu")); // a quarter of an hour beside all others
  expect(entry.textContent).not.toBe(before);
});
