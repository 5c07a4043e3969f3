import { Page } from "@/components/page";
import { AuditLog } from "@/features/audit/audit-log";
import { audit as auditWords } from "@/strings/audit";

export default function Audit() {
  return (
    <Page title={auditWords.title}>
      <AuditLog />
    </Page>
  );
}
