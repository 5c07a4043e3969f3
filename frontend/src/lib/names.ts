/** Orders names as people do, shop-2 before shop-10. Far quicker than localeCompare, which looks its rules up each time. */
export const compareNames = new Intl.Collator(undefined, { numeric: true }).compare;
