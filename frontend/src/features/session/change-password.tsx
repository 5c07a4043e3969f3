import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { renewSession } from "@/api/http";
import { ApiError, sortFaults } from "@/api/problem";
import { Fault } from "@/components/fault";
import { NewPassword, rules } from "@/components/new-password";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Card } from "./card";

const words = strings.session;

const blank = { currentPassword: "", newPassword: "", again: "" };

/** Shown in place of everything else until a password of one's own is set. */
export function ChangePassword() {
  const form = useForm({ defaultValues: blank });
  const { errors } = form.formState;
  const change = useMutation({
    mutationFn: async (values: typeof blank) => {
      const { currentPassword, newPassword } = values;
      await api.auth.changePassword({ currentPassword, newPassword });
      await renewSession(); // says that nothing needs changing any more
    },
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      const { placed } = sortFaults(error, (path) => path in blank);
      for (const { path, message } of placed) form.setError(path as keyof typeof blank, { message });
    },
  });
  return (
    <Card title={words.mustChangeTitle}>
      <p className="text-muted">{words.mustChange}</p>
      {change.error && Object.keys(errors).length === 0 && <Fault error={change.error} />}
      <form onSubmit={form.handleSubmit((values) => change.mutate(values))} className="space-y-4" noValidate>
        <TextField
          label={words.current}
          type="password"
          autoComplete="current-password"
          autoFocus
          fault={errors.currentPassword?.message}
          {...form.register("currentPassword", { required: words.needPassword })}
        />
        <NewPassword
          next={form.register("newPassword", rules.next)}
          again={form.register("again", rules.again)}
          faults={errors}
        />
        <Button type="submit" look="primary" busy={change.isPending} className="w-full">
          {words.change}
        </Button>
      </form>
    </Card>
  );
}
