import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Token } from "@/api/types";
import { shortened } from "@/lib/shortened";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Table, Td, Th, Tr } from "@/ui/table";
import { Age } from "./age";
import { Fault } from "./fault";
import { List, type ListQuery } from "./list";
import { Time } from "./time";

const words = accountWords.tokens;

interface TokenListProps {
  query: ListQuery<Token>;
  /** Left out for who may not. */
  revoke?: (id: string) => Promise<unknown>;
  onRevoked: () => unknown;
  empty: ReactNode;
  aside?: ReactNode;
}

/** What tools sign in with in somebody's name. */
export function TokenList({ query, revoke, onRevoked, empty, aside }: TokenListProps) {
  const [doomed, setDoomed] = useState<Token | null>(null);
  const revoking = useMutation({ mutationFn: async (id: string) => revoke?.(id), onSettled: onRevoked });
  return (
    <>
      {revoking.error && <Fault error={revoking.error} />}
      <List query={query} empty={empty} title={words.title} aside={aside}>
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
              <Row key={token.id} token={token} onRevoke={revoke && (() => setDoomed(token))} />
            ))}
          </Table>
        )}
      </List>
      <Confirm
        open={doomed !== null}
        onClose={() => setDoomed(null)}
        onConfirm={() => doomed && revoking.mutate(doomed.id)}
        title={words.revokeTitle(doomed?.name ?? "")}
        description={words.revokeText}
        action={words.revoke}
      />
    </>
  );
}

function Row({ token, onRevoke }: { token: Token; onRevoke: (() => void) | undefined }) {
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
        {onRevoke && (
          <Button aria-label={words.revokeOf(token.name)} onClick={onRevoke}>
            {words.revoke}
          </Button>
        )}
      </Td>
    </Tr>
  );
}
