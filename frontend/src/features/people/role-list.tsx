import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { itemsOf, rolesQuery } from "@/api/queries";
import { List } from "@/components/list";
import { roles as words } from "@/strings/people";
import { Table, Td, Th, Tr } from "@/ui/table";

export function RoleList() {
  const query = useInfiniteQuery(rolesQuery());
  const names = new Map(itemsOf(query.data).map((role) => [role.id, role.name]));
  return (
    <List query={query} empty={null}>
      {(roles) => (
        <Table
          label={words.title}
          head={
            <>
              <Th>{words.name}</Th>
              <Th wide>{words.parent}</Th>
              <Th wide>{words.permissions}</Th>
            </>
          }
        >
          {roles.map((role) => (
            <Tr key={role.id}>
              <Td className="max-md:py-2.5">
                <Link
                  to={`/roles/${role.id}`}
                  className="font-medium break-words hover:underline max-md:wrap-anywhere"
                >
                  {role.name}
                </Link>
                {role.builtin && <span className="ml-2 text-xs text-muted">{words.builtin}</span>}
                {role.description && <p className="line-clamp-1 text-xs text-muted">{role.description}</p>}
              </Td>
              <Td wide className="text-muted">
                {(role.parentId && names.get(role.parentId)) ?? "–"}
              </Td>
              <Td wide className="max-w-96 truncate font-mono text-xs">
                {role.permissions.join(", ")}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </List>
  );
}
