/** How the fields above a list look. */
export const filterBox =
  "h-8 min-w-0 rounded-md border border-line-strong bg-surface px-2 text-sm hover:border-muted max-sm:h-10 max-sm:text-[16px]";

export const filterBarClass = "grid min-w-0 w-full grid-cols-2 gap-2 py-1 sm:flex";
