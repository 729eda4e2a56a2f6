import { AsyncLocalStorage } from 'node:async_hooks';

/** Topics signalled inside a transaction, delivered after its commit; and the guard against nested writes. */
export class Signals {
  readonly #scope = new AsyncLocalStorage<Set<string>>();
  readonly #listeners = new Map<string, Set<() => void>>();

  /** Runs a transaction body and returns its result with the topics that it signalled. */
  async collect<T>(
    body: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly topics: ReadonlySet<string> }> {
    const topics = new Set<string>();
    const result = await this.#scope.run(topics, body);
    return { result, topics };
  }

  /** Throws when called inside a write: a nested write would wait for itself for ever. */
  refuseNesting(): void {
    if (this.#scope.getStore()) throw new Error('write() inside write(): pass the transaction on instead');
  }

  signal(topic: string): void {
    const topics = this.#scope.getStore();
    if (!topics) throw new Error(`signal("${topic}") outside write()`);
    topics.add(topic);
  }

  deliver(topics: Iterable<string>): void {
    for (const topic of topics) {
      for (const listener of this.#listeners.get(topic) ?? []) {
        // Outside the transaction's async scope, so that the listener may write.
        this.#scope.exit(listener);
      }
    }
  }

  on(topic: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(topic, listeners);
    return () => listeners.delete(listener);
  }
}
