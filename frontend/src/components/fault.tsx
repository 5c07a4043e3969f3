import { Link, useInRouterContext } from "react-router";
import { ApiError, explain, type Fault as FieldFault } from "@/api/problem";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Note } from "@/ui/note";

/** What went wrong and what to try, from any error. */
export function Fault({
  error,
  onRetry,
  retry = strings.retry,
  className,
}: {
  error: unknown;
  onRetry?: () => void;
  /** What the button for that says. */
  retry?: string;
  className?: string;
}) {
  const { title, detail, requestId } = explain(error);
  return (
    <Note look="bad" className={className} action={onRetry && <Button onClick={onRetry}>{retry}</Button>}>
      <p className="font-medium">{title}</p>
      {detail !== title && (
        <p className="text-ink">
          <Linked>{detail}</Linked>
        </p>
      )}
      {requestId && (
        <p className="mt-0.5 font-mono text-xs text-muted">{strings.errors.requestId(requestId)}</p>
      )}
    </Note>
  );
}

const migrationId = /migration ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/;

/** The controller's words; the first migration that they name can be gone to. */
function Linked({ children: text }: { children: string }) {
  const within = useInRouterContext();
  const [before = "", id, after] = text.split(migrationId);
  if (!id || !within) return text;
  return (
    <>
      {before}
      <Link to={`/migrations/${id}`} className="break-all underline">
        {strings.errors.migration(id)}
      </Link>
      {after}
    </>
  );
}

/**
 * What went wrong with a form. What belongs to a field is said there; `left`
 * is the rest.
 */
export function FormFault({ error, left }: { error: unknown; left: FieldFault[] }) {
  if (!(error instanceof ApiError) || error.faults.length === 0) {
    return (
      <div ref={comeIntoView}>
        <Fault error={error} />
      </div>
    );
  }
  return (
    <div ref={left.length > 0 ? comeIntoView : undefined}>
      <Note look="bad">
        <p className="font-medium">{strings.errors.fields}</p>
        {left.map(({ field, message }) => (
          <p key={field + message} className="text-ink">
            {field && <code>{field}: </code>}
            {message}
          </p>
        ))}
      </Note>
    </div>
  );
}

/** The button that was pressed may be far below. */
function comeIntoView(at: HTMLElement | null): void {
  at?.scrollIntoView?.({ block: "center" });
}
