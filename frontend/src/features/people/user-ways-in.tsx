import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { keys, userSessionsQuery, userTokensQuery } from "@/api/queries";
import { useMay } from "@/components/may";
import { SessionList } from "@/components/session-list";
import { TokenList } from "@/components/token-list";
import { people as words } from "@/strings/people";

/** Where somebody is signed in. */
export function UserSessions({ id }: { id: string }) {
  const client = useQueryClient();
  return (
    <SessionList
      query={useInfiniteQuery(userSessionsQuery(id))}
      {...(useMay()("user.session.revoke") && {
        end: (session: string) => api.users.endSession(id, session),
      })}
      onEnded={() => client.invalidateQueries({ queryKey: keys.users })}
      empty={<p className="p-4 text-muted">{words.noSessions}</p>}
    />
  );
}

/** What tools sign in with in somebody's name. */
export function UserTokens({ id }: { id: string }) {
  const client = useQueryClient();
  return (
    <TokenList
      query={useInfiniteQuery(userTokensQuery(id))}
      {...(useMay()("user.token.revoke") && {
        revoke: (token: string) => api.users.revokeToken(id, token),
      })}
      onRevoked={() => client.invalidateQueries({ queryKey: keys.users })}
      empty={<p className="p-4 text-muted">{words.noTokens}</p>}
    />
  );
}
