import type { Permission } from "@/api/types";
import { roles as words } from "@/strings/people";
import { type Hold, toggled, treeOf } from "./tree";

interface TreeProps {
  all: Permission[];
  own: string[];
  inherited: string[];
  /** Missing: only to look at. */
  onChange?: ((own: string[]) => void) | undefined;
}

/** What a role may do: its own, and what it has from its parent. */
export function PermissionTree({ all, own, inherited, onChange }: TreeProps) {
  const tree = treeOf(all, own, inherited);
  const toggle = onChange && ((pattern: string) => onChange(toggled(own, pattern)));
  return (
    <div className="space-y-4 p-4">
      <Check label={words.all} pattern="*" hold={tree.hold} toggle={toggle} strong />
      {tree.branches.map((branch) => (
        <fieldset key={branch.noun} className="rounded-md border border-line p-3">
          <legend className="px-1 text-sm font-semibold">{branch.noun}</legend>
          <Check
            label={words.whole(branch.noun)}
            pattern={`${branch.noun}.*`}
            hold={branch.hold}
            toggle={toggle}
            strong
          />
          <div className="mt-2 grid gap-x-6 gap-y-1.5 sm:grid-cols-2">
            {branch.leaves.map((leaf) => (
              <Check
                key={leaf.pattern}
                label={leaf.pattern}
                description={leaf.description}
                pattern={leaf.pattern}
                hold={leaf.hold}
                toggle={toggle}
              />
            ))}
          </div>
        </fieldset>
      ))}
    </div>
  );
}

interface CheckProps {
  label: string;
  description?: string;
  pattern: string;
  hold: Hold;
  toggle: ((pattern: string) => void) | undefined;
  strong?: boolean;
}

function Check({ label, description, pattern, hold, toggle, strong }: CheckProps) {
  const from = { own: "", none: "", inherited: words.inherited, covered: words.covered }[hold];
  return (
    <label className="flex items-start gap-2">
      <input
        type="checkbox"
        checked={hold !== "none"}
        disabled={!toggle || hold === "covered"}
        onChange={() => toggle?.(pattern)}
        className="mt-1 accent-accent"
      />
      <span className="min-w-0">
        <span className={strong ? "text-sm font-medium" : "font-mono text-sm break-words"}>{label}</span>
        {from && <span className="ml-2 text-xs text-muted">({from})</span>}
        {description && <span className="block text-xs text-muted">{description}</span>}
      </span>
    </label>
  );
}
