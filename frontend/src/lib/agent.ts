/** What a browser calls itself, in words. Only to recognise it by. */

const browsers: Array<[RegExp, string]> = [
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\b(?:OPR|Opera)\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];

const systems: Array<[RegExp, string]> = [
  [/\bAndroid\b/, "Android"],
  [/\b(?:iPhone|iPad)\b/, "iOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

export interface Agent {
  browser: string; // as it calls itself, where that is no browser that we know
  system: string; // empty: not known
}

export function agentOf(userAgent: string): Agent {
  const first = (of: Array<[RegExp, string]>) => of.find(([pattern]) => pattern.test(userAgent))?.[1] ?? "";
  return { browser: first(browsers) || userAgent, system: first(systems) };
}
