/**
 * When each node was heard. The controller keeps only the last heartbeat; a
 * tab keeps those that it heard itself, and when it could hear none.
 */

export interface Span {
  from: number;
  to: number;
}

/** Of each node; enough for a strip as wide as a screen. */
const mostBeats = 120;
const mostSpans = 20;

export class Beats {
  private heard = new Map<string, number[]>();
  private deaf: Span[] = [];
  private deafSince: number | null = 0; // until the link is there

  put(node: string, at: number): void {
    const beats = this.heard.get(node);
    if (!beats) this.heard.set(node, [at]);
    else if (beats.push(at) > mostBeats) beats.shift();
  }

  of(node: string): readonly number[] {
    return this.heard.get(node) ?? [];
  }

  /** The link broke: what is not heard from now on says nothing about nodes. */
  deafen(at: number): void {
    this.deafSince ??= at;
  }

  hear(at: number): void {
    if (this.deafSince === null) return;
    this.deaf = [...this.deaf, { from: this.deafSince, to: at }].slice(-mostSpans);
    this.deafSince = null;
  }

  /** When nothing could be heard, up to now. */
  deafness(now: number): readonly Span[] {
    return this.deafSince === null ? this.deaf : [...this.deaf, { from: this.deafSince, to: now }];
  }
}
