import type { EggFilter } from "@/api/endpoints";
import { categories as words } from "@/strings/categories";
import { filterBarClass, filterBox } from "@/ui/filter";
import { useCategories } from "./use-categories";

interface FilterProps {
  filter: EggFilter;
  set: (change: EggFilter) => void;
}

export function FilterBar({ filter: { q = "", categoryId = "" }, set }: FilterProps) {
  const categories = useCategories();
  return (
    <fieldset aria-label={words.filter} className={filterBarClass}>
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={q}
        onChange={({ target }) => set({ q: target.value })}
        className={`${filterBox} max-sm:col-span-2 sm:w-56`}
      />
      {categories.length > 0 && (
        <select
          aria-label={words.category}
          value={categoryId}
          onChange={({ target }) => set({ categoryId: target.value })}
          className={`${filterBox} max-sm:col-span-2 sm:max-w-56`}
        >
          <option value="">{words.any}</option>
          {categories.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
    </fieldset>
  );
}
