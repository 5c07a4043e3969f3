import { nodeStateWords, strings } from "@/strings";
import { filterBarClass, filterBox } from "@/ui/filter";
import type { Filter } from "./filter";

const words = strings.nodes;

export function FilterBar({ filter, set }: { filter: Filter; set: (change: Partial<Filter>) => void }) {
  return (
    <fieldset aria-label={words.filter} className={filterBarClass}>
      <input
        type="search"
        aria-label={words.search}
        placeholder={words.search}
        value={filter.q}
        onChange={(event) => set({ q: event.target.value })}
        className={`${filterBox} max-sm:col-span-2 sm:w-56`}
      />
      <select
        aria-label={words.state}
        value={filter.state}
        onChange={(event) => set({ state: event.target.value as Filter["state"] })}
        className={filterBox}
      >
        <option value="">{words.anyState}</option>
        {Object.entries(nodeStateWords).map(([state, word]) => (
          <option key={state} value={state}>
            {word}
          </option>
        ))}
      </select>
      <select
        aria-label={words.sort}
        value={filter.sort}
        onChange={(event) => set({ sort: event.target.value as Filter["sort"] })}
        className={filterBox}
      >
        {Object.entries(words.sorts).map(([sort, word]) => (
          <option key={sort} value={sort}>
            {word}
          </option>
        ))}
      </select>
    </fieldset>
  );
}
