import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/panel";

/** In place of a list of which the filter leaves nothing. */
export function NoMatch({ clear }: { clear: () => void }) {
  return (
    <Empty
      title={strings.containers.noMatchTitle}
      action={<Button onClick={clear}>{strings.containers.clear}</Button>}
    />
  );
}
