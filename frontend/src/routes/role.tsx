import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { Link, useNavigate, useParams } from "react-router";
import { api } from "@/api/endpoints";
import { bindingsQuery, keys, roleQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { RoleForm } from "@/features/people/role-form";
import { placeOf } from "@/features/people/where";
import { people as peopleWords, roles as words } from "@/strings/people";
import { AskButton } from "@/ui/confirm";
import { Loading, Panel } from "@/ui/panel";
import { Table, Td, Th, Tr } from "@/ui/table";

export default function RolePage() {
  const { id = "" } = useParams();
  const may = useMay();
  const { data: role, error, refetch } = useQuery(roleQuery(id));
  const holders = useInfiniteQuery({ ...bindingsQuery({ roleId: id }), enabled: may("role.binding.view") });
  if (!role) {
    return (
      <Page title={words.title}>
        {error ? (
          <Fault error={error} onRetry={refetch} />
        ) : (
          <Panel>
            <Loading />
          </Panel>
        )}
      </Page>
    );
  }
  return (
    <Page
      title={role.name}
      actions={may("role.delete") && !role.builtin && <Remove id={id} name={role.name} />}
    >
      <RoleForm key={role.id} role={role} />
      {may("role.binding.view") && (
        <List
          title={words.holders}
          query={holders}
          empty={<p className="p-4 text-muted">{words.noHolders}</p>}
        >
          {(bindings) => (
            <Table
              label={words.holders}
              head={
                <>
                  <Th>{peopleWords.email}</Th>
                  <Th>{peopleWords.where}</Th>
                </>
              }
            >
              {bindings.map((b) => (
                <Tr key={b.id}>
                  <Td>
                    <Link to={`/users/${b.userId}`} className="font-medium hover:underline">
                      {b.email}
                    </Link>
                  </Td>
                  <Td className="text-muted">{placeOf(b)}</Td>
                </Tr>
              ))}
            </Table>
          )}
        </List>
      )}
    </Page>
  );
}

function Remove({ id, name }: { id: string; name: string }) {
  const client = useQueryClient();
  const go = useNavigate();
  const remove = useMutation({
    mutationFn: () => api.roles.remove(id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.roles });
      go("/roles", { replace: true });
    },
  });
  return (
    <>
      {remove.error && <Fault error={remove.error} />}
      <AskButton
        icon={Trash2}
        look="danger"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
        title={words.removeOf(name)}
        description={words.removeText}
        action={words.remove}
      />
    </>
  );
}
