import { Check, ChevronRight, Clock, X } from "lucide-react";
import type { Command, Job } from "@/api/types";
import { cx } from "@/lib/cx";
import type { Receipt } from "@/live/wire";
import { receiptWords } from "@/strings";

type Step = { receipt: Receipt; face: "done" | "now" | "ahead" | "wrong" };

/**
 * The way of a command as steps: what was passed, where it is, what is ahead.
 * An end other than applied takes applied's place.
 */
export function stepsOf(command: Pick<Command, "receipt" | "deliveredAt">): Step[] {
  const { receipt } = command;
  switch (receipt) {
    case "queued":
      return [step("queued", "now"), step("delivered", "ahead"), step("applied", "ahead")];
    case "delivered":
      return [step("queued", "done"), step("delivered", "now"), step("applied", "ahead")];
    case "applied":
      return [step("queued", "done"), step("delivered", "done"), step("applied", "done")];
    case "failed":
    case "expired":
    case "superseded": {
      const reached = command.deliveredAt ? [step("delivered", "done")] : [];
      return [step("queued", "done"), ...reached, step(receipt, "wrong")];
    }
  }
}

const step = (receipt: Receipt, face: Step["face"]): Step => ({ receipt, face });

const faces: Record<Step["face"], string> = {
  done: "text-ok",
  now: "text-busy font-medium",
  ahead: "text-muted",
  wrong: "text-bad font-medium",
};

export function Receipts({ job }: { job: Job }) {
  const command = job.commands.at(-1);
  if (!command) return <span className="text-muted">–</span>;
  return (
    <ol className="flex items-center gap-x-1 text-xs max-md:flex-wrap" aria-label={command.action}>
      {stepsOf(command).map(({ receipt, face }, i) => (
        <li
          key={receipt}
          className={cx("inline-flex items-center gap-1 whitespace-nowrap", faces[face])}
          aria-current={face === "now" ? "step" : undefined}
        >
          {i > 0 && <ChevronRight aria-hidden className="size-3 text-muted" />}
          {face === "done" && <Check aria-hidden className="size-3" />}
          {face === "now" && <Clock aria-hidden className="size-3" />}
          {face === "wrong" && <X aria-hidden className="size-3" />}
          {receiptWords[receipt]}
        </li>
      ))}
    </ol>
  );
}
