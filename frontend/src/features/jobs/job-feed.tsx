import { useInfiniteQuery } from "@tanstack/react-query";
import { containersQuery, itemsOf, jobsQuery } from "@/api/queries";
import { JobTable } from "@/components/job-list";
import { List } from "@/components/list";
import { strings } from "@/strings";
import { Empty } from "@/ui/panel";

export function JobFeed() {
  const containers = itemsOf(useInfiniteQuery(containersQuery()).data);
  const names = new Map(containers.map((c) => [c.id, c.name]));
  return (
    <List
      query={useInfiniteQuery(jobsQuery())}
      empty={<Empty title={strings.jobs.emptyTitle}>{strings.jobs.empty}</Empty>}
    >
      {(jobs, more) => <JobTable jobs={jobs} more={more} nameOf={(id) => names.get(id)} />}
    </List>
  );
}
