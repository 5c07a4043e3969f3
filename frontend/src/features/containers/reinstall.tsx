import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { PackageOpen } from "lucide-react";
import { api } from "@/api/endpoints";
import { eggQuery, keys } from "@/api/queries";
import type { Container } from "@/api/types";
import { containers as words } from "@/strings/containers";
import { AskButton } from "@/ui/confirm";

/** For containers whose egg has an installation, as far as one may know. */
export function Reinstall({
  container,
  onError,
}: {
  container: Container;
  onError: (error: unknown) => void;
}) {
  const client = useQueryClient();
  const { data: egg } = useQuery(eggQuery(container.eggId));
  const again = useMutation({
    mutationFn: () => api.containers.reinstall(container.id),
    onMutate: () => onError(null),
    onError,
    onSettled: () => client.invalidateQueries({ queryKey: keys.jobs }),
  });
  if (!egg?.install) return null;
  return (
    <AskButton
      icon={PackageOpen}
      busy={again.isPending}
      onConfirm={() => again.mutate()}
      title={words.reinstallTitle(container.name)}
      description={words.reinstallText}
      action={words.reinstall}
    />
  );
}
