import { useInfiniteQuery } from "@tanstack/react-query";
import { useLocation } from "react-router";
import type { NodeName } from "@/api/nodes";
import { clustersQuery, itemsOf, migrationsQuery } from "@/api/queries";
import type { Container, Migration } from "@/api/types";
import { Age } from "@/components/age";
import { List } from "@/components/list";
import { MoveBadge } from "@/components/states";
import { moves as words } from "@/strings/moves";
import { Note } from "@/ui/note";
import { Facts, Panel } from "@/ui/panel";
import { EndButton } from "./end-move";
import { MoveHistory, type NamesProps, Timeline } from "./move-history";
import { isOpen, mayCancel } from "./moves";

/** What happens to it when its node is lost. */
export function HaFacts({ container: c, maySeeClusters }: { container: Container; maySeeClusters: boolean }) {
  const clusters = useInfiniteQuery({
    ...clustersQuery(),
    enabled: maySeeClusters && c.preferred_cluster_id !== undefined,
  });
  const preferred = itemsOf(clusters.data).find(({ id }) => id === c.preferred_cluster_id);
  return (
    <Panel title={words.title}>
      <Facts
        items={[
          [words.type, words.types[c.type]],
          ...(c.ha_policy
            ? ([[words.policy, <Policy key="policy" container={c} />]] satisfies [[string, React.ReactNode]])
            : []),
          [words.preferred, preferred?.name ?? c.preferred_cluster_id ?? words.noPreference],
          [words.last, c.last_migration_at && <Age key="last" at={c.last_migration_at} />],
        ]}
      />
      {(c.warnings ?? []).map((warning) => (
        <Note key={warning} look="warn" className="mx-4 mb-4 text-sm">
          {warning}
        </Note>
      ))}
    </Panel>
  );
}

function Policy({ container: { ha_policy, ha_policy_reason } }: { container: Container }) {
  return (
    <>
      {ha_policy && words.policies[ha_policy]}
      {ha_policy_reason && <p className="text-xs text-muted">{ha_policy_reason}</p>}
    </>
  );
}

interface PanelProps {
  container: Container;
  nodes: ReadonlyMap<string, NodeName>;
  mayManage: boolean;
}

/** The move that is under way, and those before it. */
export function MovePanel({ container, nodes, mayManage }: PanelProps) {
  const query = useInfiniteQuery(migrationsQuery({ containerId: container.id }));
  const open = itemsOf(query.data).find(isOpen);
  const nameOf: NamesProps["nameOf"] = (id) =>
    id ? (nodes.get(id)?.name ?? words.unknownNode) : words.undecided;
  return (
    <>
      {open && <UnderWay move={open} mayManage={mayManage} nameOf={nameOf} />}
      <List title={words.history} query={query} empty={<p className="p-4 text-muted">{words.none}</p>}>
        {(moves) => <MoveHistory container={container} moves={moves} mayManage={mayManage} nameOf={nameOf} />}
      </List>
    </>
  );
}

function UnderWay({ move: m, mayManage, nameOf }: { move: Migration; mayManage: boolean } & NamesProps) {
  const named = useLocation().hash === `#${m.id}`;
  return (
    <Note look={m.waiting ? "queued" : "info"}>
      {named && <span ref={comeIntoView} />}
      <p className="flex flex-wrap items-center gap-2 font-medium">
        {words.underWay(nameOf(m.fromNodeId), nameOf(m.toNodeId ?? m.targetNodeId))}
        <MoveBadge state={m.state} />
      </p>
      {m.waiting && <p className="text-ink">{m.waiting}</p>}
      <Timeline move={m} />
      {mayManage && mayCancel(m) && <EndButton move={m} how="cancel" text={words.cancelText} />}
    </Note>
  );
}

function comeIntoView(at: HTMLElement | null): void {
  at?.scrollIntoView?.({ block: "center" });
}
