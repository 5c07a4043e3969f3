import { account as accountWords } from "@/strings/account";

export function Saved({ text = accountWords.saved }: { text?: string }) {
  return (
    <span role="status" className="text-ok">
      {text}
    </span>
  );
}
