import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startTheme } from "@/lib/theme";
import type { Dial } from "@/live/link";
import { App } from "./app";
import "./style.css";

/** The controller's broker, or with `--mode mock` one in this very page. */
async function chooseDial(): Promise<Dial> {
  if (import.meta.env.MODE === "mock") return (await import("./mock/install")).install();
  return (await import("./live/dial")).dialBroker;
}

async function main(): Promise<void> {
  startTheme();
  const root = document.getElementById("root");
  if (!root) throw new Error("index.html has no #root");
  const dial = await chooseDial();
  createRoot(root).render(
    <StrictMode>
      <App dial={dial} />
    </StrictMode>,
  );
}

void main();
