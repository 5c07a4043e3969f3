import { explain } from "@/api/problem";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";

/** What went wrong and what to try, from any error. */
export function Fault({
  error,
  onRetry,
  className,
}: {
  error: unknown;
  onRetry?: () => void;
  className?: string;
}) {
  const { title, detail, requestId } = explain(error);
  return (
    <Note
      look="bad"
      className={className}
      action={onRetry && <Button onClick={onRetry}>{strings.retry}</Button>}
    >
      <p className="font-medium">{title}</p>
      {detail !== title && <p className="text-ink">{detail}</p>}
      {requestId && (
        <p className="mt-0.5 font-mono text-xs text-muted">{strings.errors.requestId(requestId)}</p>
      )}
    </Note>
  );
}
