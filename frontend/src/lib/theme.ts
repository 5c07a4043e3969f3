import { Cell } from "./cell";

export type Theme = "system" | "light" | "dark";

const chosenKey = "lormas.theme";
const accountKey = "lormas.theme.account"; // kept here for the first paint

function read(key: string): Theme | null {
  const value = localStorage.getItem(key);
  return value === "system" || value === "light" || value === "dark" ? value : null;
}

/** What the person chose; `system` follows the machine. */
export const theme = new Cell<Theme>("system");

/** A choice for this device, which goes before the account's. */
export function setTheme(value: Theme): void {
  localStorage.setItem(chosenKey, value);
  show(value);
}

/** The account's theme; `anew` where it was chosen just now. */
export function followTheme(value: Theme, anew = false): void {
  localStorage.setItem(accountKey, value);
  if (anew) localStorage.removeItem(chosenKey);
  show(read(chosenKey) ?? value);
}

/** Called once, before the first render. */
export function startTheme(): void {
  theme.set(read(chosenKey) ?? read(accountKey) ?? "system");
  darkMachine().addEventListener("change", paint);
  paint();
}

function show(value: Theme): void {
  theme.set(value);
  paint();
}

function darkMachine(): MediaQueryList {
  return matchMedia("(prefers-color-scheme: dark)");
}

function paint(): void {
  const chosen = theme.get();
  const dark = chosen === "dark" || (chosen === "system" && darkMachine().matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
