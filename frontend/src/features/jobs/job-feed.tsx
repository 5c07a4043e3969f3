import { useInfiniteQuery } from "@tanstack/react-query";
import { jobsQuery } from "@/api/queries";
import { JobTable } from "@/components/job-list";
import { List } from "@/components/list";
import { strings } from "@/strings";
import { Empty } from "@/ui/panel";

export function JobFeed() {
  return (
    <List
      query={useInfiniteQuery(jobsQuery())}
      empty={<Empty title={strings.jobs.emptyTitle}>{strings.jobs.empty}</Empty>}
    >
      {(jobs, more) => <JobTable jobs={jobs} more={more} named />}
    </List>
  );
}
