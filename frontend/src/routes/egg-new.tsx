import { useNavigate } from "react-router";
import { Page } from "@/components/page";
import { EggForm } from "@/features/eggs/egg-form";
import { strings } from "@/strings";

export default function EggNew() {
  const go = useNavigate();
  return (
    <Page title={strings.eggs.newTitle}>
      <EggForm onSaved={(egg) => go(`/eggs/${egg.id}`, { replace: true })} />
    </Page>
  );
}
