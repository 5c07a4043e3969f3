import { useMutation } from "@tanstack/react-query";
import { CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import type { OwnSession } from "@/api/types";
import { agentOf } from "@/lib/agent";
import { account as accountWords } from "@/strings/account";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Table, Td, Th, Tr } from "@/ui/table";
import { Age } from "./age";
import { Fault } from "./fault";
import { List, type ListQuery } from "./list";

const words = accountWords.sessions;

interface SessionListProps {
  query: ListQuery<OwnSession>;
  /** Left out for who may not. */
  end?: (id: string) => Promise<unknown>;
  onEnded: () => unknown;
  empty: ReactNode;
  aside?: ReactNode;
}

/** Where somebody is signed in, and how to end that. */
export function SessionList({ query, end, onEnded, empty, aside }: SessionListProps) {
  const ending = useMutation({ mutationFn: async (id: string) => end?.(id), onSettled: onEnded });
  return (
    <>
      {ending.error && <Fault error={ending.error} />}
      <List query={query} empty={empty} title={words.title} aside={aside}>
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
                busy={ending.isPending && ending.variables === s.id}
                onEnd={end && (() => ending.mutate(s.id))}
              />
            ))}
          </Table>
        )}
      </List>
    </>
  );
}

interface RowProps {
  session: OwnSession;
  busy: boolean;
  onEnd: (() => void) | undefined;
}

function Row({ session, busy, onEnd }: RowProps) {
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
          onEnd && (
            <Button busy={busy} aria-label={words.endOf(name)} onClick={onEnd}>
              {words.end}
            </Button>
          )
        )}
      </Td>
    </Tr>
  );
}
