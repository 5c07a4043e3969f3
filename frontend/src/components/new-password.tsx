import type { UseFormRegisterReturn } from "react-hook-form";
import { strings } from "@/strings";
import { TextField } from "@/ui/field";

const words = strings.session;

const shortest = 10;

/** What is asked of a password before the controller is. */
export const rules = {
  current: { required: words.needPassword },
  next: { validate: (text: string) => text.length >= shortest || words.tooShort },
  again: {
    validate: (text: string, all: { newPassword: string }) => text === all.newPassword || words.mismatch,
  },
};

/** The password that is to be proven, before something is done to the account. */
export function CurrentPassword(props: { fault?: string; autoFocus?: boolean } & UseFormRegisterReturn) {
  return <TextField label={words.current} type="password" autoComplete="current-password" {...props} />;
}

interface Fields {
  next: UseFormRegisterReturn;
  again: UseFormRegisterReturn;
  faults: { newPassword?: { message?: string }; again?: { message?: string } };
  autoFocus?: boolean;
}

/** A new password, typed twice. */
export function NewPassword({ next, again, faults, autoFocus = false }: Fields) {
  return (
    <>
      <TextField
        label={words.next}
        hint={words.nextHint}
        type="password"
        autoComplete="new-password"
        autoFocus={autoFocus}
        fault={faults.newPassword?.message}
        {...next}
      />
      <TextField
        label={words.again}
        type="password"
        autoComplete="new-password"
        fault={faults.again?.message}
        {...again}
      />
    </>
  );
}
