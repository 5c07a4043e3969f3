import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { isStale } from "@/api/problem";
import { itemsOf, keys, permissionsQuery, roleQuery, rolesQuery } from "@/api/queries";
import type { Role } from "@/api/types";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { strings } from "@/strings";
import { roles as words } from "@/strings/people";
import { Button } from "@/ui/button";
import { SelectField, TextField } from "@/ui/field";
import { Note } from "@/ui/note";
import { Loading, Panel } from "@/ui/panel";
import { PermissionTree } from "./permission-tree";

/** What a role is called, what it comes from and what it may do. */
export function RoleForm({ role: newest }: { role: Role }) {
  const [role, setRole] = useState(newest);
  return <Form key={role.generation} role={role} onReread={() => setRole(newest)} />;
}

interface FormProps {
  /** As it was when one began: what others change meanwhile is not lost. */
  role: Role;
  onReread: () => void;
}

function Form({ role, onReread }: FormProps) {
  const client = useQueryClient();
  const fixed = !useMay()("role.edit") || role.builtin;
  const { data: all } = useQuery(permissionsQuery());
  const roles = itemsOf(useInfiniteQuery(rolesQuery()).data).filter((other) => other.id !== role.id);
  const [name, setName] = useState(role.name);
  const [description, setDescription] = useState(role.description);
  const [parentId, setParent] = useState(role.parentId ?? "");
  const [own, setOwn] = useState(role.permissions);
  const [generation, setGeneration] = useState(role.generation);
  const save = useMutation({
    mutationFn: () => api.roles.edit(role.id, { name, description, parentId, permissions: own }, generation),
    onSuccess: (saved) => {
      setGeneration(saved.generation);
      client.setQueryData(roleQuery(role.id).queryKey, saved);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.roles }),
  });
  const parent = roles.find((other) => other.id === parentId);
  const inherited = parent ? [...parent.permissions, ...parent.inherited] : [];
  return (
    <div className="space-y-4">
      {role.builtin && <Note look="info">{words.builtinText}</Note>}
      {save.error && (
        <Fault
          error={save.error}
          {...(isStale(save.error) && { onRetry: onReread, retry: strings.reread })}
        />
      )}
      <Panel>
        <div className="grid gap-4 p-4 sm:grid-cols-3">
          <TextField
            label={words.name}
            readOnly={fixed}
            value={name}
            onChange={(e) => setName(e.target.value)}
          />
          <TextField
            label={words.description}
            readOnly={fixed}
            value={description}
            onChange={(e) => setDescription(e.target.value)}
          />
          <SelectField
            label={words.parent}
            hint={words.parentHint}
            disabled={fixed}
            value={parentId}
            onChange={(e) => setParent(e.target.value)}
          >
            <option value="">{words.noParent}</option>
            {roles.map((other) => (
              <option key={other.id} value={other.id}>
                {other.name}
              </option>
            ))}
          </SelectField>
        </div>
      </Panel>
      <Panel
        title={words.permissions}
        aside={
          !fixed && (
            <Button look="primary" busy={save.isPending} onClick={() => save.mutate()}>
              {strings.save}
            </Button>
          )
        }
      >
        {all ? (
          <PermissionTree
            all={all.items}
            own={own}
            inherited={inherited}
            {...(!fixed && { onChange: setOwn })}
          />
        ) : (
          <Loading />
        )}
      </Panel>
    </div>
  );
}
