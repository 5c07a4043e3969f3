import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { auditOfQuery, containersQuery, itemsOf, jobsQuery, nodeHealthQuery } from "@/api/queries";
import type { Node } from "@/api/types";
import { inOrder, ofJobs, ofTransitions } from "@/components/happenings";
import { Timeline } from "@/components/timeline";

interface EventsProps {
  node: Node;
  /** Of which records: what one may not read is left out. */
  may: { jobs: boolean; health: boolean; audit: boolean };
}

const many = 50;

/** What happened to a node: how its link was, what was asked of it, and who did what to it. */
export function NodeEvents({ node, may }: EventsProps) {
  const jobs = useInfiniteQuery({ ...jobsQuery({ nodeId: node.id }, many), enabled: may.jobs });
  const audit = useInfiniteQuery({ ...auditOfQuery(node.id), enabled: may.audit });
  const { data: health } = useQuery({ ...nodeHealthQuery(node), enabled: may.health });
  const containers = itemsOf(useInfiniteQuery(containersQuery({ nodeId: node.id })).data);
  const names = new Map(containers.map(({ id, name }) => [id, name]));
  return (
    <Timeline
      events={inOrder(
        ofJobs(itemsOf(jobs.data), itemsOf(audit.data), (id) => names.get(id)),
        ofTransitions(health?.transitions ?? []),
      )}
    />
  );
}
