import { useInfiniteQuery } from "@tanstack/react-query";
import { Ban, CircleCheck, KeyRound } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { usersQuery } from "@/api/queries";
import type { Person } from "@/api/types";
import { Age } from "@/components/age";
import { List } from "@/components/list";
import { account as accountWords } from "@/strings/account";
import { people as words } from "@/strings/people";
import { Badge } from "@/ui/badge";
import { TextField } from "@/ui/field";
import { LongTable, type Place } from "@/ui/long-table";
import { Empty } from "@/ui/panel";
import { Td, Th, Tr } from "@/ui/table";

export function UserList() {
  const [params, setParams] = useSearchParams();
  const q = params.get("q") ?? "";
  return (
    <>
      <div className="max-w-sm">
        <TextField
          label={words.search}
          type="search"
          value={q}
          onChange={({ target }) => setParams(target.value ? { q: target.value } : {}, { replace: true })}
        />
      </div>
      <List
        query={useInfiniteQuery(usersQuery(q))}
        empty={<Empty title={words.noneTitle}>{words.none}</Empty>}
      >
        {(people, more) => (
          <LongTable
            label={words.users}
            items={people}
            more={more}
            head={
              <>
                <Th>{words.name}</Th>
                <Th wide>{words.state}</Th>
                <Th wide>{words.factor}</Th>
                <Th wide>{words.since}</Th>
              </>
            }
          >
            {(person, place) => <Row key={person.id} place={place} person={person} />}
          </LongTable>
        )}
      </List>
    </>
  );
}

function Row({ person, place }: { person: Person; place: Place }) {
  return (
    <Tr {...place}>
      <Td className="max-md:py-2.5">
        <Link
          to={`/users/${person.id}`}
          className="font-medium break-words hover:underline max-md:wrap-anywhere"
        >
          {person.name || person.email}
        </Link>
        {person.name && <p className="text-xs break-words text-muted">{person.email}</p>}
      </Td>
      <Td wide>
        <PersonState person={person} />
      </Td>
      <Td wide className="text-muted">
        {person.totp ? accountWords.factor.on : accountWords.factor.off}
      </Td>
      <Td wide className="text-muted">
        <Age at={person.createdAt} />
      </Td>
    </Tr>
  );
}

export function PersonState({ person }: { person: Person }) {
  if (person.disabled) return <Badge tone="bad" icon={Ban} label={words.disabled} />;
  if (person.mustChangePassword) return <Badge tone="warn" icon={KeyRound} label={words.mustChange} />;
  return <Badge tone="ok" icon={CircleCheck} label={words.active} />;
}
