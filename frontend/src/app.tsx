import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { createBrowserRouter, RouterProvider } from "react-router";
import { currentToken } from "@/api/http";
import { queryClient } from "@/api/queries";
import { session } from "@/api/session";
import type { User } from "@/api/types";
import { LiveProvider } from "@/components/live";
import { ChangePassword } from "@/features/session/change-password";
import { ResetPassword } from "@/features/session/reset-password";
import { SignIn } from "@/features/session/sign-in";
import { SignInAgain } from "@/features/session/sign-in-again";
import { Starting } from "@/features/session/starting";
import { useCell } from "@/lib/cell";
import type { Dial } from "@/live/link";
import { routes } from "@/routes/routes";

export function App({ dial }: { dial: Dial }) {
  return (
    <QueryClientProvider client={queryClient}>
      <Door dial={dial} />
    </QueryClientProvider>
  );
}

/** What stands between a visitor and the dashboard. */
function Door({ dial }: { dial: Dial }) {
  const now = useCell(session);
  const token = linkToken();
  if (token) return <ResetPassword token={token} />;
  switch (now.state) {
    case "unknown":
      return <Starting ask={currentToken} />;
    case "signed-out":
      return <SignIn />;
    case "signed-in":
    case "expired":
      return now.user.mustChangePassword ? (
        <ChangePassword />
      ) : (
        <>
          <Dashboard key={now.user.id} user={now.user} dial={dial} />
          {now.state === "expired" && <SignInAgain user={now.user} />}
        </>
      );
  }
}

/** The token of a one-time link, if that is what led here. */
function linkToken(): string | null {
  if (location.pathname !== "/reset") return null;
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

function Dashboard({ user, dial }: { user: User; dial: Dial }) {
  // Made once for each person: a renewed token must not lose the page.
  const [router] = useState(() => createBrowserRouter(routes(user)));
  useEffect(() => () => router.dispose(), [router]);
  return (
    <LiveProvider dial={dial}>
      {/* A transition would take letters back that are typed into fields whose place is the URL. */}
      <RouterProvider router={router} useTransitions={false} />
    </LiveProvider>
  );
}
