import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { ApiError, sortFaults } from "@/api/problem";
import { Fault } from "@/components/fault";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Note } from "@/ui/note";
import { Card } from "./card";

const words = strings.session;

const blank = { newPassword: "", again: "" };
const shortest = 10;

/**
 * Where a one-time link leads. Its token is behind the #, which no server and
 * no log ever sees.
 */
export function ResetPassword({ token }: { token: string }) {
  const form = useForm({ defaultValues: blank });
  const { errors } = form.formState;
  const reset = useMutation({
    mutationFn: ({ newPassword }: typeof blank) => api.auth.resetPassword({ token, newPassword }),
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      const { placed } = sortFaults(error, (path) => path in blank);
      for (const { path, message } of placed) form.setError(path as keyof typeof blank, { message });
    },
  });
  if (reset.isSuccess) {
    return (
      <Card title={words.resetTitle}>
        <Note look="info">{words.resetDone}</Note>
        <a href="/" className="underline">
          {words.submit}
        </a>
      </Card>
    );
  }
  return (
    <Card title={words.resetTitle}>
      {reset.error && Object.keys(errors).length === 0 && <Fault error={reset.error} />}
      <form onSubmit={form.handleSubmit((values) => reset.mutate(values))} className="space-y-4" noValidate>
        <TextField
          label={words.next}
          hint={words.nextHint}
          type="password"
          autoComplete="new-password"
          autoFocus
          fault={errors.newPassword?.message}
          {...form.register("newPassword", {
            validate: (text) => text.length >= shortest || words.tooShort,
          })}
        />
        <TextField
          label={words.again}
          type="password"
          autoComplete="new-password"
          fault={errors.again?.message}
          {...form.register("again", {
            validate: (text, all) => text === all.newPassword || words.mismatch,
          })}
        />
        <Button type="submit" look="primary" busy={reset.isPending} className="w-full">
          {words.set}
        </Button>
      </form>
    </Card>
  );
}
