import { useQuery } from "@tanstack/react-query";
import { Navigate, useParams } from "react-router";
import { migrationQuery } from "@/api/queries";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { moves as movesWords } from "@/strings/moves";
import { Loading, Panel } from "@/ui/panel";

/** A migration is shown with its container: who knows only its id is led there. */
export default function MigrationPage() {
  const { id = "" } = useParams();
  const { data: move, error, refetch } = useQuery(migrationQuery(id));
  if (move) return <Navigate to={`/containers/${move.containerId}#${id}`} replace />;
  return (
    <Page title={movesWords.history}>
      {error ? (
        <Fault error={error} onRetry={refetch} />
      ) : (
        <Panel>
          <Loading />
        </Panel>
      )}
    </Page>
  );
}
