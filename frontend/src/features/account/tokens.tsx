import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys, tokensQuery } from "@/api/queries";
import type { Me, Token } from "@/api/types";
import { Age } from "@/components/age";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { Time } from "@/components/time";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Empty } from "@/ui/panel";
import { Table, Td, Th, Tr } from "@/ui/table";
import { NewToken } from "./new-token";
import { shortened } from "./permissions";

const words = strings.account.tokens;

/** API tokens of one's own: what tools sign in with. */
export function Tokens({ me }: { me: Me }) {
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [doomed, setDoomed] = useState<Token | null>(null);
  const revoke = useMutation({
    mutationFn: api.tokens.revoke,
    onSettled: () => client.invalidateQueries({ queryKey: keys.tokens }),
  });
  const add = (
    <Button icon={Plus} onClick={() => setAdding(true)}>
      {words.add}
    </Button>
  );
  return (
    <>
      {revoke.error && <Fault error={revoke.error} />}
      <List
        query={useInfiniteQuery(tokensQuery())}
        empty={<Empty title={words.emptyTitle}>{words.empty}</Empty>}
        title={words.title}
        aside={add}
      >
        {(tokens) => (
          <Table
            label={words.title}
            head={
              <>
                <Th>{words.name}</Th>
                <Th wide>{words.permissions}</Th>
                <Th wide>{words.expires}</Th>
                <Th wide>{words.used}</Th>
                <Th>
                  <span className="sr-only">{words.revoke}</span>
                </Th>
              </>
            }
          >
            {tokens.map((token) => (
              <Row key={token.id} token={token} onRevoke={() => setDoomed(token)} />
            ))}
          </Table>
        )}
      </List>
      {adding && <NewToken grants={me.grants} onClose={() => setAdding(false)} />}
      <Confirm
        open={doomed !== null}
        onClose={() => setDoomed(null)}
        onConfirm={() => doomed && revoke.mutate(doomed.id)}
        title={words.revokeTitle(doomed?.name ?? "")}
        description={words.revokeText}
        action={words.revoke}
      />
    </>
  );
}

function Row({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const { shown, more } = shortened(token.permissions);
  const permissions = (
    <span title={token.permissions.join("\n")}>
      {shown}
      {more > 0 && ` ${words.more(more)}`}
    </span>
  );
  const expires = token.expiresAt ? <Time at={token.expiresAt} /> : words.never;
  return (
    <Tr>
      <Td className="max-md:py-2.5">
        <span className="font-medium break-words">{token.name}</span>
        <p className="font-mono text-xs break-words text-muted md:hidden">{permissions}</p>
        <p className="text-xs text-muted md:hidden">
          {words.expires}: {expires}
        </p>
      </Td>
      <Td wide className="max-w-72 font-mono text-xs break-words">
        {permissions}
      </Td>
      <Td wide className="text-sm text-muted">
        {expires}
      </Td>
      <Td wide className="text-muted">
        <span title={token.lastUsedAddress}>
          {token.lastUsedAt ? <Age at={token.lastUsedAt} /> : words.unused}
        </span>
      </Td>
      <Td className="text-right">
        <Button aria-label={words.revokeOf(token.name)} onClick={onRevoke}>
          {words.revoke}
        </Button>
      </Td>
    </Tr>
  );
}
