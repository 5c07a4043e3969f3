import { Page } from "@/components/page";
import { AuditLog } from "@/features/audit/audit-log";
import { strings } from "@/strings";

export default function Audit() {
  return (
    <Page title={strings.audit.title}>
      <AuditLog />
    </Page>
  );
}
