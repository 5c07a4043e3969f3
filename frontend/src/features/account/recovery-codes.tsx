import { Download } from "lucide-react";
import { account as accountWords } from "@/strings/account";
import { Button, buttonClass } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";

const words = accountWords.factor;

/** Recovery codes, which the controller shows this once. */
export function CodesDialog({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const text = `${codes.join("\n")}\n`;
  return (
    <Dialog
      open
      firm
      onOpenChange={(next) => !next && onClose()}
      title={words.codesTitle}
      description={words.codesText}
    >
      <ul
        aria-label={words.codesTitle}
        className="grid grid-cols-1 justify-items-center gap-x-6 gap-y-1.5 rounded-md bg-sunken px-4 py-3 font-mono text-sm select-all sm:grid-cols-2"
      >
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="mt-4 flex flex-wrap justify-end gap-2">
        <CopyButton text={text} />
        <a
          href={`data:text/plain;charset=utf-8,${encodeURIComponent(words.file(text))}`}
          download="lormas-recovery-codes.txt"
          className={buttonClass()}
        >
          <Download aria-hidden className="size-4" />
          {words.download}
        </a>
        <Button look="primary" onClick={onClose}>
          {words.kept}
        </Button>
      </div>
    </Dialog>
  );
}
