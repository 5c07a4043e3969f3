import { containers as containersWords } from "@/strings/containers";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/panel";

/** In place of a list of which the filter leaves nothing. */
export function NoMatch({ clear }: { clear: () => void }) {
  return (
    <Empty
      title={containersWords.noMatchTitle}
      action={<Button onClick={clear}>{containersWords.clear}</Button>}
    />
  );
}
