import { NavLink } from "react-router";
import { useMay } from "@/components/may";
import { cx } from "@/lib/cx";
import { people as peopleWords } from "@/strings/people";

/** From people to roles and back. */
export function PeopleTabs() {
  const may = useMay();
  const tabs = [
    ["/users", peopleWords.users, "user.view"],
    ["/roles", peopleWords.roles, "role.view"],
  ] as const;
  return (
    <nav aria-label={peopleWords.title} className="flex gap-1">
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
