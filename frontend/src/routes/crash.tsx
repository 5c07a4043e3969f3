import { useRouteError } from "react-router";
import { Fault } from "@/components/fault";
import { Page } from "@/components/page";
import { strings } from "@/strings";

/** Shown where a page itself broke; the frame around it stays. */
export default function Crash() {
  return (
    <Page title={strings.errors.ours}>
      <Fault error={useRouteError()} onRetry={() => location.reload()} />
    </Page>
  );
}
