import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useLayoutEffect, useRef } from "react";
import { strings } from "@/strings";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children: ReactNode;
  /** Not to be lost by a slip: only a button inside closes it. */
  firm?: boolean;
}

const stay = (event: Event) => event.preventDefault();

/** A modal: focus is kept inside and given back, Escape closes. */
export function Dialog({ open, onOpenChange, title, description, children, firm }: DialogProps) {
  // Radix gives the focus back to a trigger of its own only, which ours have not.
  // It is noted before the content comes, in which something may take the focus by itself.
  const opener = useRef<Element | null>(null);
  useLayoutEffect(() => {
    if (open) opener.current = document.activeElement;
  }, [open]);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <Radix.Content
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (opener.current instanceof HTMLElement) opener.current.focus();
          }}
          {...(firm && { onEscapeKeyDown: stay, onInteractOutside: stay })}
          {...(!description && { "aria-describedby": undefined })}
          className="fixed inset-x-0 top-[12vh] z-50 mx-auto flex max-h-[80vh] w-[calc(100%-1.5rem)] max-w-xl flex-col overflow-hidden rounded-lg border border-line bg-raised shadow-xl max-sm:top-auto max-sm:bottom-3"
        >
          <div className="flex items-start gap-2 px-5 pt-4">
            <Radix.Title className="flex-1 text-lg font-semibold">{title}</Radix.Title>
            {!firm && (
              <Radix.Close
                aria-label={strings.close}
                className="-mr-2 rounded-md p-1.5 text-muted hover:bg-hover hover:text-ink"
              >
                <X aria-hidden className="size-4" />
              </Radix.Close>
            )}
          </div>
          <div className="overflow-y-auto px-5 pt-1 pb-5">
            {description && <Radix.Description className="mb-4 text-muted">{description}</Radix.Description>}
            {children}
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
