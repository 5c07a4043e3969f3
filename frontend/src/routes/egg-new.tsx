import { useNavigate } from "react-router";
import { Page } from "@/components/page";
import { EggForm } from "@/features/eggs/egg-form";
import { eggs as eggsWords } from "@/strings/eggs";

export default function EggNew() {
  const go = useNavigate();
  return (
    <Page title={eggsWords.newTitle}>
      <EggForm onSaved={(egg) => go(`/eggs/${egg.id}`, { replace: true })} />
    </Page>
  );
}
