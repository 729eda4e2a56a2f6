import { type FromWorker, type Question, receivedError, sentError, type ToWorker } from './messages.ts';

/** What a link needs of its process: `process` of a forked one has it. */
export interface LinkChannel {
  /** @param done told of a failure: the hub may be gone, and this process is asked to stop then */
  send(message: FromWorker, done: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
}

interface Asked {
  readonly resolve: (values: readonly unknown[]) => void;
  readonly reject: (error: Error) => void;
}

type Topics = Readonly<Record<string, (payload: never) => unknown>>;

/** A process's side of the hub: asks all processes (this one too) and answers their questions. */
export class WorkerLink {
  readonly #channel: LinkChannel;
  readonly #topics: Topics;
  readonly #asked = new Map<number, Asked>();
  #allReady = false;
  #lastId = 0;

  private constructor(channel: LinkChannel, topics: Topics) {
    this.#channel = channel;
    this.#topics = topics;
  }

  /**
   * Joins, and does first what the others were told before this process began.
   *
   * @param topics what is done for each kind of question
   */
  static async join(channel: LinkChannel, topics: Topics): Promise<WorkerLink> {
    const link = new WorkerLink(channel, topics);
    const welcomed = Promise.withResolvers<readonly Question[]>();
    channel.on('message', (message) => {
      if (message.type === 'welcome') welcomed.resolve(message.remembered);
      else if (message.type === 'ready') link.#allReady = message.all;
      else if (message.type === 'question') void link.#answer(message.id, message.question);
      else if (message.type === 'answers') link.#settle(message);
    });
    link.#tell({ type: 'hello' });
    for (const question of await welcomed.promise) await link.#do(question).catch(() => undefined);
    return link;
  }

  /** Are all processes ready? */
  get allReady(): boolean {
    return this.#allReady;
  }

  tellReady(ready: boolean, url: string | null): void {
    this.#tell({ type: 'ready', ready, url });
  }

  /** Asks all processes and gives their answers, in no order. Throws the first error, after all have answered. */
  ask(topic: string, payload: unknown, key?: string): Promise<readonly unknown[]> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      const question = { topic, payload, ...(key === undefined ? {} : { key }) };
      this.#tell({ type: 'ask', id, question });
    });
  }

  #tell(message: FromWorker): void {
    this.#channel.send(message, () => undefined);
  }

  async #do({ topic, payload }: Question): Promise<unknown> {
    return this.#topics[topic]?.(payload as never);
  }

  async #answer(id: number, question: Question): Promise<void> {
    try {
      this.#tell({ type: 'answer', id, value: await this.#do(question), error: null });
    } catch (error) {
      this.#tell({ type: 'answer', id, value: null, error: sentError(error) });
    }
  }

  #settle({ id, values, errors }: Extract<ToWorker, { type: 'answers' }>): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    const [first] = errors;
    if (first) asked?.reject(receivedError(first));
    else asked?.resolve(values);
  }
}
