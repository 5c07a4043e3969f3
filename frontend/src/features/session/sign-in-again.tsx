import { useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import type { User } from "@/api/types";
import { SignIn } from "./sign-in";

/**
 * Over the page of somebody whose session has ended, so that nothing typed
 * into it is lost. The browser's own modal makes all else inert, also a
 * dialog that is open, which pointers and screen readers are told to keep to.
 */
export function SignInAgain({ user }: { user: User }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => ref.current?.showModal(), []);
  return createPortal(
    <dialog
      ref={ref}
      onCancel={(event) => event.preventDefault()} // there is nothing to go back to
      className="pointer-events-auto m-0 size-full max-h-none max-w-none bg-canvas text-ink"
    >
      <SignIn again={user} />
    </dialog>,
    document.body,
  );
}
