/** An address before a port or a range, as people type it: an IPv6 one stands in brackets. Pure. */

export const beforeColon = (ip: string | undefined): string => {
  if (!ip) return "";
  return ip.includes(":") ? `[${ip}]:` : `${ip}:`;
};

/** What was typed before the colon, for a body: nothing where it was left out. */
export const ipOf = (typed: string | undefined): { ip?: string } =>
  typed ? { ip: typed.replace(/^\[(.*)\]$/, "$1") } : {};
