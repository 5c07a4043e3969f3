import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { ApiError, sortFaults } from "@/api/problem";
import { Fault } from "@/components/fault";
import { NewPassword, rules } from "@/components/new-password";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";
import { Card } from "./card";

const words = strings.session;

const blank = { newPassword: "", again: "" };

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
        <NewPassword
          next={form.register("newPassword", rules.next)}
          again={form.register("again", rules.again)}
          faults={errors}
          autoFocus
        />
        <Button type="submit" look="primary" busy={reset.isPending} className="w-full">
          {words.set}
        </Button>
      </form>
    </Card>
  );
}
