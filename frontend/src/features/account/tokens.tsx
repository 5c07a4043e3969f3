import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/api/endpoints";
import { keys, tokensQuery } from "@/api/queries";
import type { Me } from "@/api/types";
import { TokenList } from "@/components/token-list";
import { account as accountWords } from "@/strings/account";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/panel";
import { NewToken } from "./new-token";

const words = accountWords.tokens;

/** API tokens of one's own. */
export function Tokens({ me }: { me: Me }) {
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  return (
    <>
      <TokenList
        query={useInfiniteQuery(tokensQuery())}
        revoke={api.tokens.revoke}
        onRevoked={() => client.invalidateQueries({ queryKey: keys.tokens })}
        empty={<Empty title={words.emptyTitle}>{words.empty}</Empty>}
        aside={
          <Button icon={Plus} onClick={() => setAdding(true)}>
            {words.add}
          </Button>
        }
      />
      {adding && <NewToken grants={me.grants} onClose={() => setAdding(false)} />}
    </>
  );
}
