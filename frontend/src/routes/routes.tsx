/** Every address of the dashboard. Each page is loaded when first opened. */
import type { ComponentType } from "react";
import { Navigate, type RouteObject } from "react-router";
import type { User } from "@/api/types";
import Crash from "./crash";
import Shell from "./shell";

type PageModule = Promise<{ default: ComponentType }>;

const page = (path: string, load: () => PageModule): RouteObject => ({
  path,
  errorElement: <Crash />,
  lazy: async () => ({ Component: (await load()).default }),
});

export function routes(user: User): RouteObject[] {
  return [
    {
      element: <Shell user={user} />,
      HydrateFallback: () => null,
      children: [
        { index: true, element: <Navigate to="/nodes" replace /> },
        page("nodes", () => import("./nodes")),
        page("nodes/:id", () => import("./node")),
        page("clusters", () => import("./clusters")),
        page("containers", () => import("./containers")),
        page("containers/new", () => import("./container-new")),
        page("containers/:id", () => import("./container")),
        page("migrations/:id", () => import("./migration")),
        page("eggs", () => import("./eggs")),
        page("eggs/categories", () => import("./egg-categories")),
        page("eggs/import", () => import("./egg-import")),
        page("eggs/new", () => import("./egg-new")),
        page("eggs/:id", () => import("./egg")),
        page("jobs", () => import("./jobs")),
        page("audit", () => import("./audit")),
        page("users", () => import("./users")),
        page("users/:id", () => import("./user")),
        page("roles", () => import("./roles")),
        page("roles/:id", () => import("./role")),
        page("account", () => import("./account")),
        page("*", () => import("./not-found")),
      ],
    },
  ];
}
