import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/endpoints";
import { itemsOf, keys, sessionsQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { SessionList } from "@/components/session-list";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";

const words = accountWords.sessions;

/** Where one is signed in oneself. */
export function Sessions() {
  const client = useQueryClient();
  const query = useInfiniteQuery(sessionsQuery());
  const reread = () => client.invalidateQueries({ queryKey: keys.sessions });
  const endOthers = useMutation({ mutationFn: api.sessions.endOthers, onSettled: reread });
  const others = itemsOf(query.data).some((s) => !s.current);
  return (
    <>
      {endOthers.error && <Fault error={endOthers.error} />}
      <SessionList
        query={query}
        end={api.sessions.end}
        onEnded={reread}
        empty={null}
        aside={
          others && (
            <Button busy={endOthers.isPending} onClick={() => endOthers.mutate()}>
              {words.endOthers}
            </Button>
          )
        }
      />
    </>
  );
}
