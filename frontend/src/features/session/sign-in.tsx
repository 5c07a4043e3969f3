import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { signedIn } from "@/api/session";
import { Fault } from "@/components/fault";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Note } from "@/ui/note";
import { Card } from "./card";

const words = strings.session;

export function SignIn({ expired }: { expired: boolean }) {
  const form = useForm({ defaultValues: { email: "", password: "" } });
  const { errors } = form.formState;
  const login = useMutation({
    mutationFn: api.auth.login,
    onSuccess: signedIn,
    onError: () => form.setFocus("password", { shouldSelect: true }),
  });
  return (
    <Card title={words.title}>
      {expired && <Note look="info">{words.expired}</Note>}
      {login.error && <Fault error={login.error} />}
      <form onSubmit={form.handleSubmit((values) => login.mutate(values))} className="space-y-4" noValidate>
        <TextField
          label={words.email}
          type="email"
          autoComplete="username"
          autoFocus
          fault={errors.email?.message}
          {...form.register("email", { required: words.needEmail })}
        />
        <TextField
          label={words.password}
          type="password"
          autoComplete="current-password"
          fault={errors.password?.message}
          {...form.register("password", { required: words.needPassword })}
        />
        <Button type="submit" look="primary" busy={login.isPending} className="w-full">
          {words.submit}
        </Button>
      </form>
    </Card>
  );
}
