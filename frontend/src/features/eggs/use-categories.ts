import { useInfiniteQuery } from "@tanstack/react-query";
import { categoriesQuery, itemsOf } from "@/api/queries";
import type { EggCategory } from "@/api/types";
import { useMay } from "@/components/may";

/** The categories that there are, for who may see them. */
export function useCategories(): EggCategory[] {
  const enabled = useMay()("egg.category.view");
  return itemsOf(useInfiniteQuery({ ...categoriesQuery(), enabled }).data);
}
