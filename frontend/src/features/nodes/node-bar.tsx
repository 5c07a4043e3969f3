import { useMutation } from "@tanstack/react-query";
import {
  CircleOff,
  CirclePlus,
  KeyRound,
  LogOut,
  type LucideIcon,
  Pencil,
  ShieldOff,
  Skull,
  Trash2,
} from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { api } from "@/api/endpoints";
import type { Enrolment, Node } from "@/api/types";
import { Fault } from "@/components/fault";
import { useMay } from "@/components/may";
import { Reasoned } from "@/components/reasoned";
import { strings } from "@/strings";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { CommandLine } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { DrainDialog } from "./drain";
import { EditNode } from "./edit-node";
import { type NodeVerb, needs, verbsFor } from "./node-verbs";
import { useRereadNode } from "./reread";

const words = strings.fleet;

const icons: Record<NodeVerb, LucideIcon> = {
  cordon: CircleOff,
  uncordon: CirclePlus,
  drain: LogOut,
  dead: Skull,
  edit: Pencil,
  rotate: KeyRound,
  revoke: ShieldOff,
  remove: Trash2,
};

const dangerous: ReadonlySet<NodeVerb> = new Set(["dead", "revoke", "remove"]);

interface BarProps {
  node: Node;
  onError: (error: unknown) => void;
}

/** What may be asked of a node now; whatever has consequences asks first. */
export function NodeBar({ node, onError }: BarProps) {
  const reread = useRereadNode(node.id);
  const may = useMay();
  const [asking, setAsking] = useState<NodeVerb | null>(null);
  const target = { node: node.id, cluster: node.cluster_id };
  const uncordon = useMutation({
    mutationFn: () => api.nodes.uncordon(node.id),
    onMutate: () => onError(null),
    onError,
    onSettled: reread,
  });
  const go = useNavigate();
  const end = useMutation({
    mutationFn: (verb: "revoke" | "remove") =>
      verb === "remove" ? api.nodes.remove(node.id) : api.nodes.revokeCredential(node.id),
    onMutate: () => onError(null),
    onError,
    onSuccess: async (_, verb) => {
      if (verb === "remove") await go("/nodes");
      await reread();
    },
  });
  const verbs = verbsFor(node).filter((verb) => may(needs[verb], target));
  const close = () => setAsking(null);
  return (
    <>
      {verbs.map((verb) => (
        <Button
          key={verb}
          icon={icons[verb]}
          look={dangerous.has(verb) ? "danger" : "plain"}
          busy={verb === "uncordon" && uncordon.isPending}
          onClick={() => (verb === "uncordon" ? uncordon.mutate() : setAsking(verb))}
        >
          {words[verb]}
        </Button>
      ))}
      {(asking === "cordon" || asking === "dead") && (
        <Reasoned
          onClose={close}
          title={words[`${asking}Title`](node.name)}
          description={words[`${asking}Text`]}
          action={words[asking]}
          send={(body) =>
            asking === "dead" ? api.nodes.confirmDead(node.id, body) : api.nodes.cordon(node.id, body)
          }
          onSent={reread}
        />
      )}
      {(asking === "revoke" || asking === "remove") && (
        <Confirm
          open
          onClose={close}
          onConfirm={() => end.mutate(asking)}
          title={words[`${asking}Title`](node.name)}
          description={words[`${asking}Text`]}
          action={words[asking]}
        />
      )}
      {asking === "edit" && <EditNode node={node} onClose={close} />}
      {asking === "drain" && <DrainDialog node={node} onClose={close} onSent={reread} />}
      {asking === "rotate" && <Rotate node={node} onClose={close} />}
    </>
  );
}

/** The command with the new credential comes once, and stays until it is closed. */
function Rotate({ node, onClose }: { node: Node; onClose: () => void }) {
  const [made, setMade] = useState<Enrolment | null>(null);
  const rotate = useMutation({ mutationFn: () => api.nodes.rotateCredential(node.id), onSuccess: setMade });
  if (made) {
    return (
      <Dialog open firm onOpenChange={() => {}} title={words.rotate} description={words.rotated}>
        <CommandLine text={made.command} />
        <div className="mt-4 flex justify-end">
          <Button look="primary" onClick={onClose}>
            {strings.nodes.done}
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={words.rotateTitle(node.name)}
      description={words.rotateText}
    >
      {rotate.error && <Fault error={rotate.error} className="mb-4" />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{strings.cancel}</Button>
        <Button look="danger" busy={rotate.isPending} onClick={() => rotate.mutate()}>
          {words.rotate}
        </Button>
      </div>
    </Dialog>
  );
}
