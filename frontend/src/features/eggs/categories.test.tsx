import { screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { egg, smallWorld, uuid } from "@/mock/fixtures";
import { open } from "@/mock/harness";

afterEach(() => vi.unstubAllGlobals());

const dialog = async () => within(await screen.findByRole("dialog"));

it("makes a category, renames it over nobody's change, and removes it once it is empty", async () => {
  const { user, world } = open("/eggs/categories");
  await user.click(await screen.findByRole("button", { name: "Add category" }));
  const form = await dialog();
  await user.type(form.getByLabelText("Name"), "Web{Enter}");
  expect(await form.findByText("this name is taken")).toBeVisible();
  await user.clear(form.getByLabelText("Name"));
  await user.type(form.getByLabelText("Name"), "games");
  await user.type(form.getByLabelText("Description"), `"><b>משחקים{Enter}`);
  expect(await screen.findByRole("heading", { name: "games" })).toBeVisible();
  expect(screen.getByText(`"><b>משחקים`)).toBeVisible();

  await user.click(screen.getByRole("button", { name: "Edit Web" }));
  const edit = await dialog();
  await user.type(edit.getByLabelText("Name"), " pages");
  for (const c of world.categories) c.generation++;
  await user.click(edit.getByRole("button", { name: "Save" }));
  expect(await edit.findByText(/somebody changed it/)).toBeVisible();
  expect(edit.getByLabelText("Name")).toHaveValue("Web pages");
  await user.click(edit.getByRole("button", { name: "Cancel" }));
  await user.click(screen.getByRole("button", { name: "Edit Web" }));
  await user.type((await dialog()).getByLabelText("Name"), " pages{Enter}");
  expect(await screen.findByRole("heading", { name: "Web pages" })).toBeVisible();

  world.eggs.push(egg({ id: uuid(3, 8), categoryId: uuid(10, 1) }));
  const remove = async () => {
    await user.click(screen.getByRole("button", { name: "Remove Web pages" }));
    await user.click((await dialog()).getByRole("button", { name: "Remove" }));
  };
  await remove();
  expect(await screen.findByText(/still holds eggs/)).toBeVisible();
  world.eggs.pop();
  await remove();
  await waitFor(() => expect(screen.queryByRole("heading", { name: "Web pages" })).toBeNull());
});

it("puts an egg in a category and takes it out", async () => {
  const { user, world } = open(`/eggs/${uuid(3, 1)}`);
  await user.selectOptions(await screen.findByLabelText("Category"), "Web");
  expect(screen.getByLabelText("Everything, as JSON")).toHaveTextContent(uuid(10, 1));
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("Saved");
  expect(world.eggs[0]?.categoryId).toBe(uuid(10, 1));
  await user.selectOptions(screen.getByLabelText("Category"), "None");
  expect(screen.getByLabelText("Everything, as JSON")).not.toHaveTextContent("categoryId");
});

it("shows the eggs of a category, as the URL has it", async () => {
  const world = smallWorld();
  world.eggs = [egg({ categoryId: uuid(10, 1) }), egg({ id: uuid(3, 2), name: "Mosquitto" })];
  const { user } = open("/eggs", { world });
  expect(await screen.findByRole("link", { name: "Mosquitto" })).toBeVisible();
  await user.selectOptions(await screen.findByLabelText("Category"), "Web");
  await waitFor(() => expect(screen.queryByRole("link", { name: "Mosquitto" })).toBeNull());
  expect(location.search).toBe(`?category=${uuid(10, 1)}`);
  await user.type(screen.getByLabelText("Search eggs by name"), "nothing");
  expect(await screen.findByText("Nothing matches the filter")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Clear the filter" }));
  expect(await screen.findByRole("link", { name: "Mosquitto" })).toBeVisible();
  expect(location.search).toBe("");
});

it("offers nothing that one may not do", async () => {
  const grants = ["egg.category.view"].map((permission) => ({ permission, scope: "global" as const }));
  open("/eggs/categories", { grants });
  expect(await screen.findByRole("heading", { name: "Web" })).toBeVisible();
  for (const name of ["Add category", "Edit Web", "Remove Web"])
    expect(screen.queryByRole("button", { name })).toBeNull();
  expect(screen.queryByRole("link", { name: /Show its eggs/ })).toBeNull();
});
