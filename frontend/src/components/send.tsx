import { useMutation } from "@tanstack/react-query";
import type { BaseSyntheticEvent, ReactNode } from "react";
import { type DefaultValues, type FieldValues, type Path, useForm } from "react-hook-form";
import { ApiError, sortFaults } from "@/api/problem";
import { FormFault } from "./fault";

interface Sending<V, R> {
  blank: V;
  send: (values: V) => Promise<R>;
  onSent?: (answer: R, values: V) => void;
}

/**
 * A flat form that is sent to the controller. What that says of a field is
 * shown there, and everything else as `fault`.
 */
export function useSend<V extends FieldValues, R>({ blank, send, onSent }: Sending<V, R>) {
  const form = useForm<V>({ defaultValues: blank as DefaultValues<V> });
  const sorted = (error: Error | null) =>
    error instanceof ApiError ? sortFaults(error, (path) => headOf(path) in blank) : { placed: [], left: [] };
  const sending = useMutation({
    mutationFn: send,
    onSuccess: onSent,
    onError: (error) => {
      for (const { path, message } of sorted(error).placed)
        form.setError(headOf(path) as Path<V>, { message });
    },
  });
  const { errors } = form.formState;
  const faultOf = (field: Path<V>) => errors[field]?.message as string | undefined;
  const { placed, left } = sorted(sending.error);
  const submit = (event?: BaseSyntheticEvent) => {
    form.clearErrors(); // what was said of a group of fields would stay, and stop it, for ever
    return form.handleSubmit((values) => sending.mutate(values))(event);
  };
  const says = sending.error && (placed.length === 0 || left.length > 0);
  const fault: ReactNode = says ? <FormFault error={sending.error} left={left} /> : null;
  return {
    form,
    faultOf,
    fault,
    busy: sending.isPending,
    sent: sending.isSuccess,
    submit,
  };
}

const headOf = (path: string) => path.split(".")[0] ?? "";
