import { Plus } from "lucide-react";
import { Link } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { ContainerList } from "@/features/containers/container-list";
import { containers as containersWords } from "@/strings/containers";
import { buttonClass } from "@/ui/button";

export default function Containers() {
  const mayCreate = useMay()("container.create");
  return (
    <Page
      title={containersWords.title}
      actions={
        mayCreate && (
          <Link to="/containers/new" className={buttonClass("primary")}>
            <Plus aria-hidden className="size-4" />
            {containersWords.create}
          </Link>
        )
      }
    >
      <ContainerList />
    </Page>
  );
}
