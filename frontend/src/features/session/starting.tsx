import { useCallback, useEffect, useState } from "react";
import { unreachable } from "@/api/problem";
import { Fault } from "@/components/fault";
import { Logo } from "@/components/logo";
import { strings } from "@/strings";

/** Tries the cookie of an earlier visit; the outcome is in the session. */
export function Starting({ ask }: { ask: () => Promise<unknown> }) {
  const [failed, setFailed] = useState(false);
  const attempt = useCallback(() => {
    setFailed(false);
    ask().catch(() => setFailed(true));
  }, [ask]);
  useEffect(attempt, [attempt]);
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center gap-6 px-4">
      <Logo />
      {failed ? (
        <div className="w-full max-w-md">
          <Fault error={unreachable()} onRetry={attempt} />
        </div>
      ) : (
        <p role="status" className="text-muted">
          {strings.session.starting}
        </p>
      )}
    </main>
  );
}
