import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api } from "@/api/endpoints";
import { categoriesQuery, keys } from "@/api/queries";
import type { EggCategory } from "@/api/types";
import { Fault } from "@/components/fault";
import { List } from "@/components/list";
import { useMay } from "@/components/may";
import { strings } from "@/strings";
import { categories as words } from "@/strings/categories";
import { IconButton } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Empty } from "@/ui/panel";
import { EditCategory } from "./category-form";

export function CategoryList() {
  return (
    <List
      query={useInfiniteQuery(categoriesQuery())}
      empty={<Empty title={words.emptyTitle}>{words.empty}</Empty>}
    >
      {(categories) => (
        <ul className="divide-y divide-line">
          {categories.map((category) => (
            <Row key={category.id} category={category} />
          ))}
        </ul>
      )}
    </List>
  );
}

function Row({ category }: { category: EggCategory }) {
  const client = useQueryClient();
  const may = useMay();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => api.categories.remove(category.id),
    onSettled: () => client.invalidateQueries({ queryKey: keys.categories }),
  });
  const { id, name, description } = category;
  return (
    <li className="space-y-2 px-4 py-3">
      <div className="flex items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="font-medium break-words">
            <bdi>{name}</bdi>
          </h2>
          {description && (
            <p className="text-sm break-words text-muted">
              <bdi>{description}</bdi>
            </p>
          )}
          {may("egg.view") && (
            <Link
              to={`/eggs?category=${id}`}
              aria-label={words.eggsOf(name)}
              className="text-sm text-accent-text hover:underline"
            >
              {words.eggs}
            </Link>
          )}
        </div>
        <div className="flex">
          {may("egg.category.edit") && <EditCategory category={category} />}
          {may("egg.category.delete") && (
            <IconButton icon={Trash2} label={words.removeOf(name)} onClick={() => setAsking(true)} />
          )}
        </div>
      </div>
      {remove.error && <Fault error={remove.error} />}
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate()}
        title={words.removeTitle(name)}
        description={words.removeText}
        action={strings.remove}
      />
    </li>
  );
}
