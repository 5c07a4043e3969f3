import { Plus } from "lucide-react";
import { useSearchParams } from "react-router";
import { useMay } from "@/components/may";
import { Page } from "@/components/page";
import { HoldButton } from "@/features/fleet/hold";
import { AddNode } from "@/features/nodes/add-node";
import { NodeList, NodeSummary } from "@/features/nodes/node-list";
import { strings } from "@/strings";
import { Button } from "@/ui/button";

export default function Nodes() {
  const [params, setParams] = useSearchParams();
  const mayAdd = useMay()("node.create");
  const add = () => setParams({ add: "1" });
  return (
    <Page
      title={strings.nodes.title}
      aside={<NodeSummary />}
      actions={
        <>
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
