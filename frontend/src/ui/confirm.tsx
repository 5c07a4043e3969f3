import type { LucideIcon } from "lucide-react";
import { useState } from "react";
import { strings } from "@/strings";
import { Button } from "./button";
import { Dialog } from "./dialog";

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  description: string;
  action: string;
}

/** Asks before what cannot be taken back. */
export function Confirm({ open, onClose, onConfirm, title, description, action }: ConfirmProps) {
  return (
    <Dialog open={open} onOpenChange={(next) => !next && onClose()} title={title} description={description}>
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button
          look="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}

interface AskButtonProps extends Omit<ConfirmProps, "open" | "onClose"> {
  icon?: LucideIcon;
  look?: "plain" | "danger";
  busy: boolean;
}

/** A button for what cannot be taken back: it asks first. */
export function AskButton({ icon, look = "plain", busy, ...confirm }: AskButtonProps) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button look={look} icon={icon} busy={busy} onClick={() => setAsking(true)}>
        {confirm.action}
      </Button>
      <Confirm open={asking} onClose={() => setAsking(false)} {...confirm} />
    </>
  );
}
