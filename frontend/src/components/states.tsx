import {
  ArrowRightLeft,
  Ban,
  Circle,
  CircleCheck,
  CircleDashed,
  CirclePlay,
  Clock,
  CloudOff,
  FastForward,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  RotateCcw,
  Square,
  TriangleAlert,
  Unplug,
} from "lucide-react";
import type { Container, JobState, MigrationState } from "@/api/types";
import type { NodeState, Phase } from "@/live/wire";
import { jobStateWords, moveStateWords, nodeStateWords, phaseWords } from "@/strings";
import { containers as containersWords } from "@/strings/containers";
import { moves as movesWords } from "@/strings/moves";
import { Badge, type Tone } from "@/ui/badge";

interface Look {
  tone: Tone;
  icon: LucideIcon;
  spin?: true;
}

// Records, so that a new state does not compile without a look.

const phaseLooks: Record<Phase, Look> = {
  pending: { tone: "idle", icon: CircleDashed },
  pulling: { tone: "busy", icon: LoaderCircle, spin: true },
  installing: { tone: "busy", icon: LoaderCircle, spin: true },
  creating: { tone: "busy", icon: LoaderCircle, spin: true },
  starting: { tone: "busy", icon: LoaderCircle, spin: true },
  running: { tone: "ok", icon: CirclePlay },
  stopping: { tone: "busy", icon: LoaderCircle, spin: true },
  stopped: { tone: "idle", icon: Square },
  crashed: { tone: "bad", icon: TriangleAlert },
  failed: { tone: "bad", icon: TriangleAlert },
  removed: { tone: "idle", icon: Ban },
};

const nodeLooks: Record<NodeState, Look> = {
  joining: { tone: "idle", icon: CircleDashed },
  healthy: { tone: "ok", icon: CircleCheck },
  suspect: { tone: "warn", icon: Unplug },
  unhealthy: { tone: "bad", icon: CloudOff },
  returning: { tone: "busy", icon: RotateCcw },
};

const jobLooks: Record<JobState, Look> = {
  queued: { tone: "warn", icon: Clock },
  running: { tone: "busy", icon: LoaderCircle, spin: true },
  succeeded: { tone: "ok", icon: CircleCheck },
  failed: { tone: "bad", icon: TriangleAlert },
  expired: { tone: "warn", icon: Hourglass },
  superseded: { tone: "idle", icon: FastForward },
};

const moveLooks: Record<MigrationState, Look> = {
  queued: { tone: "warn", icon: Clock },
  reserved: { tone: "busy", icon: ArrowRightLeft },
  stopping: { tone: "busy", icon: ArrowRightLeft },
  fencing: { tone: "warn", icon: Hourglass },
  starting: { tone: "busy", icon: ArrowRightLeft },
  rolling_back: { tone: "warn", icon: RotateCcw },
  completed: { tone: "ok", icon: CircleCheck },
  failed: { tone: "bad", icon: TriangleAlert },
  rolled_back: { tone: "warn", icon: RotateCcw },
  cancelled: { tone: "idle", icon: Ban },
};

/** `stale`: the node cannot be asked, so this is only what it last said. */
export function PhaseBadge({ phase, stale }: { phase: Phase; stale?: boolean }) {
  if (!stale || phase === "pending") return <Badge {...phaseLooks[phase]} label={phaseWords[phase]} />;
  return (
    <Badge
      tone="idle"
      icon={Circle}
      label={containersWords.lastSeen(phaseWords[phase])}
      title={containersWords.staleTitle}
    />
  );
}

export function NodeBadge({ state }: { state: NodeState }) {
  return <Badge {...nodeLooks[state]} label={nodeStateWords[state]} />;
}

export function JobBadge({ state }: { state: JobState }) {
  return <Badge {...jobLooks[state]} label={jobStateWords[state]} />;
}

export function MoveBadge({ state }: { state: MigrationState }) {
  return <Badge {...moveLooks[state]} label={moveStateWords[state]} />;
}

/** Whether it is on the move; a move that went well needs no word. */
export function MigrationBadge({ status }: { status: Container["migration_status"] }) {
  if (status === "migrating") return <Badge {...moveLooks.starting} label={movesWords.moving} />;
  if (status === "failed") return <Badge {...moveLooks.failed} label={movesWords.moveFailed} />;
  return null;
}
