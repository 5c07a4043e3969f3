import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { bindingsQuery, itemsOf, keys, rolesQuery } from "@/api/queries";
import type { Person } from "@/api/types";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { useSend } from "@/components/send";
import { people as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { SelectField } from "@/ui/field";
import { Table, Td, Th, Tr } from "@/ui/table";
import { everywhere, faultIn, placeOf, type Where, WhereFields } from "./where";

/** Which roles somebody has, and where. */
export function Bindings({ person }: { person: Person }) {
  const client = useQueryClient();
  const may = useMay();
  const take = useMutation({
    mutationFn: api.bindings.remove,
    onSettled: () => client.invalidateQueries({ queryKey: keys.bindings }),
  });
  return (
    <>
      {take.error && <Fault error={take.error} />}
      <List
        title={words.access}
        query={useInfiniteQuery(bindingsQuery({ userId: person.id }))}
        empty={<p className="p-4 text-muted">{words.noAccess}</p>}
      >
        {(bindings) => (
          <Table
            label={words.access}
            head={
              <>
                <Th>{words.role}</Th>
                <Th>{words.where}</Th>
                <Th>
                  <span className="sr-only">{words.take}</span>
                </Th>
              </>
            }
          >
            {bindings.map((b) => (
              <Tr key={b.id}>
                <Td className="font-medium">{b.role}</Td>
                <Td className="text-muted">{placeOf(b)}</Td>
                <Td className="text-right">
                  {may("role.binding.delete") && (
                    <Button
                      aria-label={words.takeOf(b.role)}
                      busy={take.isPending && take.variables === b.id}
                      onClick={() => take.mutate(b.id)}
                    >
                      {words.take}
                    </Button>
                  )}
                </Td>
              </Tr>
            ))}
          </Table>
        )}
      </List>
      {may("role.binding.create") && <Give person={person} />}
    </>
  );
}

function Give({ person }: { person: Person }) {
  const client = useQueryClient();
  const roles = itemsOf(useInfiniteQuery(rolesQuery()).data);
  const { form, faultOf, fault, busy, submit } = useSend({
    blank: { roleId: "", ...everywhere },
    send: ({ scopeId, ...rest }: Where & { roleId: string }) =>
      api.bindings.create({ ...rest, userId: person.id, ...(rest.scope !== "global" && { scopeId }) }),
    onSent: () => {
      void client.invalidateQueries({ queryKey: keys.bindings });
      form.reset();
    },
  });
  form.register("scopeId", { validate: (_, where) => faultIn(where) });
  return (
    <form onSubmit={submit} noValidate className="space-y-3 rounded-lg border border-line bg-surface p-4">
      {fault}
      <div className="grid items-start gap-3 sm:grid-cols-3">
        <SelectField
          label={words.role}
          fault={faultOf("roleId")}
          {...form.register("roleId", { required: words.chooseRole })}
        >
          <option value="">{words.chooseRole}</option>
          {roles.map((role) => (
            <option key={role.id} value={role.id}>
              {role.name}
            </option>
          ))}
        </SelectField>
        <WhereFields
          scope={form.watch("scope")}
          field={form.register("scope")}
          set={form.setValue}
          fault={faultOf("scope") ?? faultOf("scopeId")}
        />
      </div>
      <Button type="submit" look="primary" busy={busy}>
        {words.give}
      </Button>
    </form>
  );
}
