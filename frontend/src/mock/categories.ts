/** The egg categories of the mock controller. */
import { category, uuid, type World } from "./fixtures";
import { guarded } from "./fleet";
import { empty, invalid, json, problem, type Route } from "./rest";

export function categoryRoutes(world: World): Route[] {
  return [
    ["GET", /^\/eggs\/categories$/, () => json({ items: world.categories })],
    [
      "POST",
      /^\/eggs\/categories$/,
      (_, { name, description }) => {
        if (world.categories.some((c) => c.name === name)) return invalid("name", "this name is taken");
        const id = uuid(10, 900 + world.categories.length);
        world.categories.push(category({ id, name: String(name), description: String(description) }));
        return json(world.categories.at(-1), 201);
      },
    ],
    [
      "PATCH",
      /^\/eggs\/categories\/([^/]+)$/,
      (m, body, r) => {
        const c = world.categories.find((x) => x.id === m[1]);
        return c ? guarded(c, body, r) : problem(404, "not_found", "there is no such category");
      },
    ],
    [
      "DELETE",
      /^\/eggs\/categories\/([^/]+)$/,
      (m) => {
        if (world.eggs.some((e) => e.categoryId === m[1]))
          return problem(409, "conflict", "the category still holds eggs: move or delete them first");
        world.categories = world.categories.filter((c) => c.id !== m[1]);
        return empty();
      },
    ],
  ];
}
