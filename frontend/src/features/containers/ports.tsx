import type { Port } from "@/api/types";

/** 8080 → 80, with what is not tcp named. */
export function PortList({ ports }: { ports: Port[] }) {
  if (ports.length === 0) return <span className="text-muted">–</span>;
  return (
    <ul className="flex flex-wrap gap-x-3 font-mono text-sm tabular-nums">
      {ports.map((port) => (
        <li key={`${port.ip ?? ""}:${port.host}/${port.protocol}`} className="whitespace-nowrap">
          {port.ip && `${port.ip}:`}
          {port.host}
          <span className="text-muted"> → {port.container}</span>
          {port.protocol !== "tcp" && <span className="text-muted">/{port.protocol}</span>}
        </li>
      ))}
    </ul>
  );
}
