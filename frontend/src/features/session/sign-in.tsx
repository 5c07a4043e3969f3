import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api } from "@/api/endpoints";
import { ApiError } from "@/api/problem";
import { queryClient } from "@/api/queries";
import { signedIn } from "@/api/session";
import type { User } from "@/api/types";
import { Fault } from "@/components/fault";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Note } from "@/ui/note";
import { Card } from "./card";

const words = strings.session;

const blank = { email: "", password: "", code: "" };

/** Whether the password was right, and there is a second factor to ask for. */
const wantsCode = (error: unknown) => error instanceof ApiError && error.kind === "totp_required";

/** `again` is whose session has ended; the page behind is theirs. */
export function SignIn({ again }: { again?: User }) {
  const form = useForm({ defaultValues: blank });
  const { errors } = form.formState;
  const [asked, setAsked] = useState(false);
  const login = useMutation({
    mutationFn: ({ code, ...who }: typeof blank) => api.auth.login({ ...who, ...(code && { code }) }),
    onSuccess: (tokens) => {
      if (again && tokens.user.id !== again.id) queryClient.clear(); // nobody sees what another was shown
      signedIn(tokens);
    },
    onError: (error) => {
      if (asked) form.setFocus("code", { shouldSelect: true });
      else if (wantsCode(error))
        setAsked(true); // its field takes the focus
      else form.setFocus("password", { shouldSelect: true });
    },
  });
  return (
    <Card title={words.title}>
      {again && <Note look="info">{words.expired}</Note>}
      {login.error && !wantsCode(login.error) && <Fault error={login.error} />}
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
        {asked && (
          <TextField
            label={words.code}
            hint={words.codeHint}
            autoComplete="one-time-code"
            autoFocus
            {...form.register("code")}
          />
        )}
        <Button type="submit" look="primary" busy={login.isPending} className="w-full">
          {words.submit}
        </Button>
      </form>
    </Card>
  );
}
