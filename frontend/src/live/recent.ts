/**
 * News that came while a snapshot was being fetched. The snapshot may have
 * been read before the news was made and arrive after it: what came since the
 * request began is therefore laid over the answer.
 */
export class Recent<T> {
  private news = new Map<string, { at: number; value: T }>();
  private keepMs: number;
  private limit: number;

  constructor(keepMs = 30_000, limit = 20_000) {
    this.keepMs = keepMs;
    this.limit = limit;
  }

  put(id: string, value: T, at: number): void {
    this.news.delete(id); // so that the map stays ordered by age
    this.news.set(id, { at, value });
    for (const [key, entry] of this.news) {
      if (entry.at > at - this.keepMs && this.news.size <= this.limit) break;
      this.news.delete(key);
    }
  }

  /** The latest news of `id`, if it came at or after `start`. */
  since(id: string, start: number): T | undefined {
    const entry = this.news.get(id);
    return entry && entry.at >= start ? entry.value : undefined;
  }
}
