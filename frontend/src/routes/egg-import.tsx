import { Page } from "@/components/page";
import { ImportEggs } from "@/features/eggs/import-eggs";
import { eggs as eggsWords } from "@/strings/eggs";

export default function EggImport() {
  return (
    <Page title={eggsWords.import.title}>
      <ImportEggs />
    </Page>
  );
}
