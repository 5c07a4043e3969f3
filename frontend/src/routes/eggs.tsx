import { Page } from "@/components/page";
import { EggList, NewEgg } from "@/features/eggs/egg-list";
import { strings } from "@/strings";

export default function Eggs() {
  return (
    <Page title={strings.eggs.title} actions={<NewEgg importing />}>
      <EggList />
    </Page>
  );
}
