import { Plus } from "lucide-react";
import { Link } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { ContainerList } from "@/features/containers/container-list";
import { strings } from "@/strings";
import { buttonClass } from "@/ui/button";

export default function Containers() {
  const mayCreate = useMay()("container.create");
  return (
    <Page
      title={strings.containers.title}
      actions={
        mayCreate && (
          <Link to="/containers/new" className={buttonClass("primary")}>
            <Plus aria-hidden className="size-4" />
            {strings.containers.create}
          </Link>
        )
      }
    >
      <ContainerList />
    </Page>
  );
}
