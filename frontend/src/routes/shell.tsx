import { useQuery } from "@tanstack/react-query";
import {
  Box,
  Egg,
  ListChecks,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  ScrollText,
  Server,
  Sun,
  UserRound,
  Users,
} from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { NavLink, Outlet, ScrollRestoration } from "react-router";
import { api } from "@/api/endpoints";
import { meQuery, queryClient } from "@/api/queries";
import { signedOut } from "@/api/session";
import type { Me, User } from "@/api/types";
import { LiveDot } from "@/components/live";
import { Logo } from "@/components/logo";
import { useMay } from "@/components/may";
import { HoldBanner } from "@/features/fleet/hold";
import { useCell } from "@/lib/cell";
import { cx } from "@/lib/cx";
import { followTheme, setTheme, type Theme, theme } from "@/lib/theme";
import { timeZone } from "@/lib/time-zone";
import { strings } from "@/strings";
import { account as accountWords } from "@/strings/account";
import { IconButton } from "@/ui/button";

const Palette = lazy(async () => ({ default: (await import("@/features/palette/palette")).Palette }));

type Place = [to: string, label: string, icon: LucideIcon, needs: string];

const places: Place[] = [
  ["/nodes", strings.nav.nodes, Server, "node.view"],
  ["/containers", strings.nav.containers, Box, "container.view"],
  ["/eggs", strings.nav.eggs, Egg, "egg.view"],
  ["/jobs", strings.nav.jobs, ListChecks, "job.view"],
  ["/users", strings.nav.people, Users, "user.view"],
  ["/audit", strings.nav.audit, ScrollText, "audit.view"],
];

/** The frame around every page: places on the left, or below on a phone. */
export default function Shell({ user }: { user: User }) {
  const account = useQuery(meQuery()).data?.user ?? user;
  useSettings(account);
  const may = useMay();
  const open = places.filter(([, , , needs]) => may(needs));
  const [palette, setPalette] = useState(false);
  useShortcut(() => setPalette(true));
  return (
    <div className="min-h-dvh md:grid md:grid-cols-[13.5rem_1fr]">
      <a
        href="#main"
        className="sr-only rounded-md bg-accent px-3 py-2 text-accent-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
      >
        {strings.skip}
      </a>
      <aside className="sticky top-0 flex h-dvh flex-col border-r border-line bg-sunken px-3 py-4 max-md:hidden">
        <Logo className="px-2 pb-4" />
        <button
          type="button"
          onClick={() => setPalette(true)}
          className="mb-3 flex h-8 items-center justify-between rounded-md border border-line-strong bg-surface px-2.5 text-sm text-muted hover:border-muted"
        >
          {strings.palette.open}
          <kbd className="font-sans text-xs">{strings.palette.key}</kbd>
        </button>
        <nav aria-label={strings.nav.label} className="flex-1 space-y-0.5">
          {open.map(([to, label, Icon]) => (
            <NavLink key={to} to={to} className={({ isActive }) => sideClass(isActive)}>
              <Icon aria-hidden className="size-4" />
              {label}
            </NavLink>
          ))}
        </nav>
        <LiveDot className="px-2.5 pb-3" />
        <div className="flex items-center border-t border-line pt-3 pl-2.5">
          <NavLink
            to="/account"
            className={({ isActive }) => accountClass(isActive)}
            title={account.email}
            aria-label={accountWords.of(account.name || account.email)}
          >
            {account.name || account.email}
          </NavLink>
          <ThemeButton />
          <SignOut />
        </div>
      </aside>

      <header className="sticky top-0 z-30 flex h-12 items-center gap-2 border-b border-line bg-sunken pr-1.5 pl-4 md:hidden">
        <Logo className="flex-1" />
        <LiveDot className="pr-1" />
        <NavLink
          to="/account"
          aria-label={accountWords.title}
          title={accountWords.title}
          className={({ isActive }) => iconClass(isActive)}
        >
          <UserRound aria-hidden className="size-4" />
        </NavLink>
        <ThemeButton />
        <SignOut />
      </header>

      <main id="main" tabIndex={-1} className="min-w-0 outline-none max-md:pb-20">
        <HoldBanner />
        <Outlet />
      </main>

      <nav
        aria-label={strings.nav.label}
        className="fixed inset-x-0 bottom-0 z-30 grid auto-cols-fr grid-flow-col border-t border-line bg-sunken pb-[env(safe-area-inset-bottom)] md:hidden"
      >
        {open.map(([to, label, Icon]) => (
          <NavLink key={to} to={to} className={({ isActive }) => tabClass(isActive)}>
            <Icon aria-hidden className="size-5" />
            {label}
          </NavLink>
        ))}
      </nav>
      <ScrollRestoration />
      {palette && (
        <Suspense>
          <Palette
            places={open.map(([to, label]) => ({ to, label, kind: strings.palette.page }))}
            onClose={() => setPalette(false)}
          />
        </Suspense>
      )}
    </div>
  );
}

/** Ctrl K, or ⌘ K, from anywhere. */
function useShortcut(act: () => void): void {
  const newest = useRef(act);
  newest.current = act;
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      newest.current();
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, []);
}

const sideClass = (active: boolean) =>
  cx(
    "flex h-8 items-center gap-2.5 rounded-md px-2.5 text-sm font-medium transition-colors",
    active ? "bg-accent-soft text-accent-text" : "text-muted hover:bg-hover hover:text-ink",
  );

const accountClass = (active: boolean) =>
  cx(
    "min-w-0 flex-1 truncate rounded-md py-1.5 pr-1 text-sm hover:text-ink hover:underline",
    active ? "text-accent-text" : "text-muted",
  );

const iconClass = (active: boolean) =>
  cx(
    "inline-flex size-10 shrink-0 items-center justify-center rounded-md hover:bg-hover",
    active ? "text-accent-text" : "text-muted",
  );

const tabClass = (active: boolean) =>
  cx(
    "flex h-14 min-w-0 flex-col items-center justify-center gap-0.5 text-[0.6875rem] font-medium",
    active ? "text-accent-text" : "text-muted",
  );

/** Takes over what the account says, on every device of its owner. */
function useSettings(account: User | Me["user"]): void {
  const settings = "theme" in account ? account : null;
  useEffect(() => {
    if (!settings) return;
    followTheme(settings.theme);
    timeZone.set(settings.timeZone);
  }, [settings]);
}

const themes: Record<Theme, { next: Theme; icon: LucideIcon; label: string }> = {
  system: { next: "light", icon: Monitor, label: strings.theme.system },
  light: { next: "dark", icon: Sun, label: strings.theme.light },
  dark: { next: "system", icon: Moon, label: strings.theme.dark },
};

function ThemeButton() {
  const { next, icon, label } = themes[useCell(theme)];
  return <IconButton icon={icon} label={`${strings.theme.label}: ${label}`} onClick={() => setTheme(next)} />;
}

function SignOut() {
  const leave = async () => {
    await api.auth.logout().catch(() => {}); // the token is forgotten here in any case
    signedOut();
    queryClient.clear();
  };
  return <IconButton icon={LogOut} label={strings.session.signOut} onClick={leave} />;
}
