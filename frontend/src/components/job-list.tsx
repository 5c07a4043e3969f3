import { Link } from "react-router";
import type { Job } from "@/api/types";
import { formatDuration } from "@/lib/time";
import { strings } from "@/strings";
import { LongTable, type Place } from "@/ui/long-table";
import { Td, Th, Tr } from "@/ui/table";
import { Age } from "./age";
import { Receipts } from "./receipts";
import { JobBadge } from "./states";

const words = strings.jobs;

interface JobTableProps {
  jobs: Job[];
  more: boolean;
  /** Whether to name what they act on. Left out where all act on the same: fewer columns then. */
  named?: boolean;
}

/** What was asked for, how far it came, and what went wrong. */
export function JobTable({ jobs, more, named = false }: JobTableProps) {
  return (
    <LongTable
      label={words.title}
      items={jobs}
      more={more}
      head={
        <>
          <Th>{words.what}</Th>
          {named && <Th wide>{words.state}</Th>}
          <Th wide>{words.receipt}</Th>
          {named && <Th wide>{words.target}</Th>}
          <Th wide>{words.started}</Th>
          <Th wide className="text-right">
            {words.took}
          </Th>
        </>
      }
    >
      {(job, place) => <Row key={job.id} place={place} job={job} named={named} />}
    </LongTable>
  );
}

function Row({ job, place, named }: { job: Job; place: Place; named: boolean }) {
  const target = named && <Target job={job} />;
  return (
    <Tr {...place}>
      <Td className="max-md:py-2.5">
        <div className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
          <span className="font-mono text-sm">{job.kind}</span>
          <span className="md:hidden">
            <JobBadge state={job.state} />
          </span>
        </div>
        {job.error && <p className="max-w-lg text-sm break-words text-bad">{job.error}</p>}
        {job.state === "running" && job.step && <Progress job={job} />}
        <div className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted md:hidden">
          <Receipts job={job} />
          {target}
          <Age at={job.createdAt} />
        </div>
      </Td>
      {named && (
        <Td wide>
          <JobBadge state={job.state} />
        </Td>
      )}
      <Td wide>
        <Receipts job={job} />
      </Td>
      {named && <Td wide>{target}</Td>}
      <Td wide className="text-muted">
        <Age at={job.createdAt} />
      </Td>
      <Td wide className="text-right whitespace-nowrap text-muted tabular-nums">
        {took(job)}
      </Td>
    </Tr>
  );
}

function Target({ job: { containerId, containerName } }: { job: Job }) {
  if (!containerId) return <span className="text-muted">–</span>;
  return (
    <Link to={`/containers/${containerId}`} className="break-words hover:underline">
      {containerName}
    </Link>
  );
}

function Progress({ job }: { job: Job }) {
  return (
    <p className="text-xs text-muted">
      {job.step}
      {job.progress > 0 && <span className="tabular-nums"> · {job.progress} %</span>}
    </p>
  );
}

function took(job: Job): string {
  if (!job.finishedAt) return "–";
  const ms = Date.parse(job.finishedAt) - Date.parse(job.createdAt);
  return ms < 1000 ? `${Math.max(0, Math.round(ms))} ms` : formatDuration(ms / 1000);
}
