import { useInfiniteQuery } from "@tanstack/react-query";
import { jobsQuery } from "@/api/queries";
import { JobTable } from "@/components/job-list";
import { List } from "@/components/list";
import { containers as containersWords } from "@/strings/containers";

/** What was asked of one container, with the receipts. */
export function ContainerJobs({ id }: { id: string }) {
  return (
    <List
      title={containersWords.jobs}
      query={useInfiniteQuery(jobsQuery({ containerId: id }, 10))}
      empty={<p className="p-4 text-muted">{containersWords.noJobs}</p>}
    >
      {(jobs, more) => <JobTable jobs={jobs} more={more} />}
    </List>
  );
}
