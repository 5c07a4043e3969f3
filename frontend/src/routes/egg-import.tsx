import { Page } from "@/components/page";
import { ImportEggs } from "@/features/eggs/import-eggs";
import { strings } from "@/strings";

export default function EggImport() {
  return (
    <Page title={strings.eggs.import.title}>
      <ImportEggs />
    </Page>
  );
}
