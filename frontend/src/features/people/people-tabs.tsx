import { NavLink } from "react-router";
import { useMay } from "@/components/may";
import { cx } from "@/lib/cx";
import { strings } from "@/strings";

/** From people to roles and back. */
export function PeopleTabs() {
  const may = useMay();
  const tabs = [
    ["/users", strings.people.users, "user.view"],
    ["/roles", strings.people.roles, "role.view"],
  ] as const;
  return (
    <nav aria-label={strings.people.title} className="flex gap-1">
      {tabs
        .filter(([, , needs]) => may(needs))
        .map(([to, label]) => (
          <NavLink
            key={to}
            to={to}
            className={({ isActive }) =>
              cx(
                "rounded-md px-2.5 py-1 text-sm",
                isActive ? "bg-accent-soft text-accent-text" : "text-muted hover:bg-hover",
              )
            }
          >
            {label}
          </NavLink>
        ))}
    </nav>
  );
}
