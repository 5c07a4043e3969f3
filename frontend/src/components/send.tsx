import { useMutation } from "@tanstack/react-query";
import type { BaseSyntheticEvent, ReactNode } from "react";
import { type DefaultValues, type FieldValues, type Path, useForm } from "react-hook-form";
import { ApiError, sortFaults } from "@/api/problem";
import { Fault } from "./fault";

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
  const sending = useMutation({
    mutationFn: send,
    onSuccess: onSent,
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      const { placed } = sortFaults(error, (path) => headOf(path) in blank);
      for (const { path, message } of placed) form.setError(headOf(path) as Path<V>, { message });
    },
  });
  const { errors } = form.formState;
  const faultOf = (field: Path<V>) => errors[field]?.message as string | undefined;
  const unplaced = sending.error && Object.keys(errors).length === 0;
  const submit = (event?: BaseSyntheticEvent) => {
    form.clearErrors(); // what was said of a group of fields would stay, and stop it, for ever
    return form.handleSubmit((values) => sending.mutate(values))(event);
  };
  const fault: ReactNode = unplaced ? <Fault error={sending.error} /> : null;
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
