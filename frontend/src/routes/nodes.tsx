import { Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { HoldButton } from "@/features/fleet/hold";
import { AddNode } from "@/features/nodes/add-node";
import { NodeList, NodeSummary } from "@/features/nodes/node-list";
import { strings } from "@/strings";
import { clusters as clustersWords } from "@/strings/clusters";
import { Button, buttonClass } from "@/ui/button";

export default function Nodes() {
  const [params, setParams] = useSearchParams();
  const may = useMay();
  const mayAdd = may("node.create");
  const add = () => setParams({ add: "1" });
  return (
    <Page
      title={strings.nodes.title}
      aside={<NodeSummary />}
      actions={
        <>
          {may("cluster.view") && (
            <Link to="/clusters" className={buttonClass()}>
              {clustersWords.title}
            </Link>
          )}
          <HoldButton />
          {mayAdd && (
            <Button look="primary" icon={Plus} onClick={add}>
              {strings.nodes.add}
            </Button>
          )}
        </>
      }
    >
      <NodeList onAdd={mayAdd ? add : undefined} />
      <AddNode open={params.has("add")} onClose={() => setParams({}, { replace: true })} />
    </Page>
  );
}
