import { Page } from "@/components/page";
import { JobFeed } from "@/features/jobs/job-feed";
import { strings } from "@/strings";

export default function Jobs() {
  return (
    <Page title={strings.jobs.title}>
      <JobFeed />
    </Page>
  );
}
