import { strings } from "@/strings";

export function Saved({ text = strings.account.saved }: { text?: string }) {
  return (
    <span role="status" className="text-ok">
      {text}
    </span>
  );
}
