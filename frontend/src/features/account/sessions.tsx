import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import { api } from "@/api/endpoints";
import { itemsOf, keys, sessionsQuery } from "@/api/queries";
import type { OwnSession } from "@/api/types";
import { Age } from "@/components/age";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { strings } from "@/strings";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Table, Td, Th, Tr } from "@/ui/table";
import { agentOf } from "./agent";

const words = strings.account.sessions;

/** Where one is signed in, and how to end that. */
export function Sessions() {
  const client = useQueryClient();
  const query = useInfiniteQuery(sessionsQuery());
  const onSettled = () => client.invalidateQueries({ queryKey: keys.sessions });
  const end = useMutation({ mutationFn: api.sessions.end, onSettled });
  const endOthers = useMutation({ mutationFn: api.sessions.endOthers, onSettled });
  const others = itemsOf(query.data).some((s) => !s.current);
  return (
    <>
      {(end.error ?? endOthers.error) && <Fault error={end.error ?? endOthers.error} />}
      <List
        query={query}
        empty={null}
        title={words.title}
        aside={
          others && (
            <Button busy={endOthers.isPending} onClick={() => endOthers.mutate()}>
              {words.endOthers}
            </Button>
          )
        }
      >
        {(sessions) => (
          <Table
            label={words.title}
            head={
              <>
                <Th>{words.browser}</Th>
                <Th wide>{words.from}</Th>
                <Th wide>{words.begun}</Th>
                <Th wide>{words.used}</Th>
                <Th>
                  <span className="sr-only">{words.end}</span>
                </Th>
              </>
            }
          >
            {sessions.map((s) => (
              <Row
                key={s.id}
                session={s}
                busy={end.isPending && end.variables === s.id}
                onEnd={() => end.mutate(s.id)}
              />
            ))}
          </Table>
        )}
      </List>
    </>
  );
}

function Row({ session, busy, onEnd }: { session: OwnSession; busy: boolean; onEnd: () => void }) {
  const { browser, system } = agentOf(session.userAgent);
  const name = system ? words.on(browser, system) : browser || words.unknown;
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <span title={session.userAgent} className="font-medium break-words">
          {name}
        </span>
        <p className="text-xs text-muted md:hidden">
          {session.address} · <Age at={session.lastUsedAt} />
        </p>
      </Td>
      <Td wide className="font-mono text-xs text-muted">
        {session.address || "–"}
      </Td>
      <Td wide className="text-muted">
        <Age at={session.createdAt} />
      </Td>
      <Td wide className="text-muted">
        <Age at={session.lastUsedAt} />
      </Td>
      <Td className="text-right">
        {session.current ? (
          <Badge tone="ok" icon={CircleCheck} label={words.current} />
        ) : (
          <Button busy={busy} aria-label={words.endOf(name)} onClick={onEnd}>
            {words.end}
          </Button>
        )}
      </Td>
    </Tr>
  );
}
