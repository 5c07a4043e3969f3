/**
 * The screen of a console: xterm.js, which is loaded with this file and nowhere
 * else, held to what a log is. It is read, searched and copied; nothing is typed
 * into it. What a container prints may colour its lines and move its cursor. It
 * may not hide what was said before, change the palette, or plant links.
 */
import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { console as consoleWords } from "@/strings/console";

/** More than a node keeps: what is watched for long is there for a while. */
const scrollback = 10_000;
/** Of text that is parsed at a time: a flood must not hold up the page. */
const pieceLength = 8192;

/** Of what is read out: nobody listens to a flood. */
const newestLines = 3;

/** How far a reader is. */
export interface View {
  /** He sees the newest line, and goes on doing so. */
  follows: boolean;
  /** There is more than fits. */
  scrolls: boolean;
}

/** What a search has found; `at` is -1 where there is too much to count. */
export interface Found {
  at: number;
  of: number;
}

interface Listeners {
  onView(view: View): void;
  onFound(found: Found): void;
}

export class Screen {
  private term: Terminal;
  private search = new SearchAddon();
  private watch: ResizeObserver;
  private closed = new AbortController();
  private colours: ReturnType<typeof paletteOf>;

  constructor(box: HTMLElement, { onView, onFound }: Listeners) {
    this.colours = paletteOf(box);
    this.term = newTerminal(box, this.colours.theme);
    const fit = new FitAddon();
    this.term.loadAddon(fit);
    this.term.loadAddon(this.search);
    this.term.open(box);
    // It would tell of twenty lines, and then of none for as long as nothing is typed.
    this.term.element?.querySelector(".live-region")?.setAttribute("aria-live", "off");
    scrollByTouch(box, this.term, this.closed.signal);
    let view: View = { follows: true, scrolls: false };
    const look = () => {
      const next = viewOf(this.term);
      if (next.follows === view.follows && next.scrolls === view.scrolls) return;
      view = next;
      onView(view);
    };
    this.term.onScroll(look);
    this.term.onWriteParsed(look);
    this.search.onDidChangeResults(({ resultIndex, resultCount }) =>
      onFound({ at: resultIndex, of: resultCount }),
    );
    fit.fit();
    this.watch = new ResizeObserver(() => requestAnimationFrame(() => fit.fit()));
    this.watch.observe(box);
  }

  /** Resolves when it is on the screen, so that a flood is read only as fast as it is shown. */
  async write(text: string): Promise<void> {
    for (let at = 0; at < text.length; at += pieceLength) {
      const piece = text.slice(at, at + pieceLength);
      await new Promise<void>((done) => this.term.write(piece, done));
    }
  }

  clear(): void {
    this.term.clear();
  }

  follow(on: boolean): void {
    if (on) this.term.scrollToBottom();
    else this.term.scrollLines(-1);
  }

  /** What was chosen with the mouse, or everything. */
  text(): string {
    return this.term.getSelection() || textOf(this.term);
  }

  /** The last lines, for those who hear them. */
  newest(): string {
    const { active } = this.term.buffer;
    const last = active.baseY + active.cursorY;
    const lines = Array.from({ length: newestLines }, (_, i) => active.getLine(last - newestLines + i));
    return lines.map((line) => line?.translateToString(true) ?? "").join("\n");
  }

  find(text: string, way: "next" | "previous" | "as typed"): void {
    const options = { decorations: this.colours.found, incremental: way === "as typed" };
    if (way === "previous") this.search.findPrevious(text, options);
    else this.search.findNext(text, options);
  }

  endSearch(): void {
    this.search.clearDecorations();
    this.term.clearSelection();
  }

  focus(): void {
    this.term.focus();
  }

  close(): void {
    this.closed.abort();
    this.watch.disconnect();
    this.term.dispose();
  }
}

function newTerminal(box: HTMLElement, theme: ITheme): Terminal {
  Terminal.strings.promptLabel = consoleWords.screen;
  const term = new Terminal({
    allowProposedApi: true, // what was found is marked by it
    convertEol: true,
    cursorInactiveStyle: "none",
    cursorStyle: "bar",
    disableStdin: true,
    fontFamily: getComputedStyle(box).fontFamily,
    fontSize: 12,
    lineHeight: 1.35,
    minimumContrastRatio: 4.5, // whatever colours a game has chosen
    screenReaderMode: true,
    scrollback,
    theme,
  });
  refuseControl(term);
  term.attachCustomKeyEventHandler((event) => {
    const scroll = event.type === "keydown" && !event.ctrlKey ? scrolls[event.key] : undefined;
    if (scroll) event.preventDefault();
    scroll?.(term);
    return false; // so that Tab leads out of it, and the browser keeps its keys
  });
  return term;
}

const scrolls: Record<string, (term: Terminal) => void> = {
  ArrowUp: (term) => term.scrollLines(-1),
  ArrowDown: (term) => term.scrollLines(1),
  PageUp: (term) => term.scrollPages(-1),
  PageDown: (term) => term.scrollPages(1),
  Home: (term) => term.scrollToTop(),
  End: (term) => term.scrollToBottom(),
};

/** Takes away what acts on the terminal as a whole. */
function refuseControl({ parser }: Terminal): void {
  const refused = () => true;
  for (const final of ["h", "l"]) parser.registerCsiHandler({ prefix: "?", final }, refused); // modes: mouse, second screen
  parser.registerCsiHandler({ final: "J" }, ([what]) => what === 3); // the scrollback wiped
  parser.registerEscHandler({ final: "c" }, refused); // everything reset
  for (const code of [4, 8, 10, 11, 12, 104, 110, 111, 112]) parser.registerOscHandler(code, refused); // colours, links
}

/** xterm.js 6 does not scroll by touch. At its ends the page scrolls on. */
function scrollByTouch(box: HTMLElement, term: Terminal, signal: AbortSignal): void {
  let at = 0;
  let rest = 0;
  box.addEventListener(
    "touchstart",
    ({ touches }) => {
      at = touches[0]?.clientY ?? 0;
      rest = 0;
    },
    { passive: true, signal },
  );
  box.addEventListener(
    "touchmove",
    (event) => {
      const y = event.touches[0]?.clientY ?? at;
      rest += at - y;
      at = y;
      const { viewportY, baseY } = term.buffer.active;
      if (rest > 0 ? viewportY === baseY : viewportY === 0) return;
      event.preventDefault();
      const height = box.clientHeight / term.rows;
      const lines = Math.trunc(rest / height);
      rest -= lines * height;
      term.scrollLines(lines);
    },
    { passive: false, signal },
  );
}

function viewOf({ buffer, rows }: Terminal): View {
  const { viewportY, baseY, length } = buffer.active;
  return { follows: viewportY === baseY, scrolls: length > rows };
}

/** All that is kept, without the breaks that only the width has made. */
function textOf({ buffer: { active } }: Terminal): string {
  let text = "";
  for (let i = 0; i < active.length; i++) {
    const line = active.getLine(i);
    if (i > 0 && !line?.isWrapped) text += "\n";
    text += line?.translateToString(!active.getLine(i + 1)?.isWrapped) ?? "";
  }
  return text.trimEnd();
}

/** The colours of the dashboard around it, and of what was found. */
function paletteOf(box: HTMLElement) {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const [found, here] = [colour("--terminal-found"), colour("--terminal-here")] as const;
  return {
    theme: {
      background: colour("--terminal"),
      foreground: colour("--terminal-ink"),
      cursor: "transparent",
    } satisfies ITheme,
    found: {
      matchBackground: found,
      matchOverviewRuler: found,
      activeMatchBackground: here,
      activeMatchColorOverviewRuler: here,
    },
  };
}
