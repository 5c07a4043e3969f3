import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNodeNames } from "@/api/nodes";
import { auditOfQuery, itemsOf, jobsQuery, migrationsQuery, seenQuery } from "@/api/queries";
import type { Container } from "@/api/types";
import { inOrder, ofJobs, ofMoves, ofPhases } from "@/components/happenings";
import { Timeline } from "@/components/timeline";
import { moves as movesWords } from "@/strings/moves";

interface EventsProps {
  container: Container;
  /** Of which records: what one may not read is left out. */
  may: { jobs: boolean; moves: boolean; audit: boolean };
}

const many = 50;

/** What happened to a container: what was asked of it, where it went, and how it fared. */
export function ContainerEvents({ container, may }: EventsProps) {
  const { id } = container;
  const jobs = useInfiniteQuery({ ...jobsQuery({ containerId: id }, many), enabled: may.jobs });
  const moves = useInfiniteQuery({ ...migrationsQuery({ containerId: id }, many), enabled: may.moves });
  const audit = useInfiniteQuery({ ...auditOfQuery(id), enabled: may.audit });
  const { data: seen } = useQuery(seenQuery(id));
  const names = useNodeNames();
  const nameOf = (node: string | undefined) =>
    (node && names.get(node)?.name) || movesWords[node ? "unknownNode" : "undecided"];
  return (
    <Timeline
      events={inOrder(
        ofJobs(itemsOf(jobs.data), itemsOf(audit.data)),
        ofMoves(itemsOf(moves.data), nameOf),
        ofPhases(container, seen ?? []),
      )}
    />
  );
}
