import { Cell } from "./cell";

export type Theme = "system" | "light" | "dark";

const key = "lormas.theme";

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === "light" || value === "dark" ? value : "system";
}

/** What the person chose; `system` follows the machine. */
export const theme = new Cell<Theme>("system");

export function setTheme(value: Theme): void {
  if (value === "system") localStorage.removeItem(key);
  else localStorage.setItem(key, value);
  theme.set(value);
  paint();
}

/** Called once, before the first render. */
export function startTheme(): void {
  theme.set(stored());
  darkMachine().addEventListener("change", paint);
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
