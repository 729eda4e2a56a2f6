import type { FromWorker, Question, SentError, ToWorker } from './messages.ts';

/** What the hub needs of a process: `cluster.Worker` is one. */
export interface HubMember {
  /** @param done told of a failure: a process may be ending, which `exit` tells as well */
  send(message: ToWorker, done: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: FromWorker) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
}

interface Pending {
  readonly asker: HubMember;
  readonly id: number;
  readonly topic: string;
  readonly waiting: Set<HubMember>;
  readonly values: unknown[];
  readonly errors: SentError[];
}

/** A topic whose answers of processes that ended are answered on, as counts that must never fall. */
interface KeptTopic {
  readonly topic: string;
  /** What is kept of a process's last answer, together with what is kept of those that ended before it. */
  readonly keep: (before: unknown, last: unknown) => unknown;
}

interface KeptAnswers extends Pick<KeptTopic, 'keep'> {
  /** The last answer of each process that lives. */
  readonly last: Map<HubMember, unknown>;
  /** What is kept of the others; undefined: nothing. */
  ended: unknown;
}

/**
 * The middle between processes that do the same work: brings a question of one to all of them, in one order for all,
 * and their answers back; tells all whether all are ready; and tells a process that starts late what the others were
 * told before. A process that ends counts no more, but for its last answers of a kept topic.
 */
export class WorkerHub {
  readonly #expected: number;
  readonly #members = new Map<HubMember, { ready: boolean; url: string | null }>();
  readonly #kept: ReadonlyMap<string, KeptAnswers>;
  readonly #pending = new Map<number, Pending>();
  readonly #remembered = new Map<string, Question>();
  readonly #onAllReady: (url: string) => void;
  #lastId = 0;

  /** @param onAllReady called each time that all have become ready, with the address of one */
  constructor(expected: number, onAllReady: (url: string) => void, kept: readonly KeptTopic[] = []) {
    this.#kept = new Map(kept.map(({ topic, keep }) => [topic, { keep, last: new Map(), ended: undefined }]));
    this.#expected = expected;
    this.#onAllReady = onAllReady;
  }

  add(member: HubMember): void {
    member.on('message', (message) => this.#onMessage(member, message));
    member.on('exit', () => this.#onExit(member));
  }

  #onMessage(member: HubMember, message: FromWorker): void {
    switch (message.type) {
      case 'hello':
        this.#members.set(member, { ready: false, url: null });
        tell(member, { type: 'welcome', remembered: [...this.#remembered.values()] });
        this.#tellReady();
        return;
      case 'ready':
        this.#members.set(member, { ready: message.ready, url: message.url });
        this.#tellReady();
        return;
      case 'ask':
        this.#ask(member, message.id, message.question);
        return;
      case 'answer': {
        const pending = this.#pending.get(message.id);
        if (message.error) pending?.errors.push(message.error);
        else pending?.values.push(message.value);
        if (pending && !message.error) this.#kept.get(pending.topic)?.last.set(member, message.value);
        this.#done(message.id, member);
      }
    }
  }

  #ask(asker: HubMember, id: number, question: Question): void {
    if (question.key !== undefined) {
      // The newest one comes last, as it was asked last.
      this.#remembered.delete(question.key);
      this.#remembered.set(question.key, question);
    }
    const hubId = ++this.#lastId;
    const waiting = new Set(this.#members.keys());
    const { topic } = question;
    // Kept as it is now: who ends from here on is asked, and counts by its answer or its last one.
    const ended = this.#kept.get(topic)?.ended;
    const values = ended === undefined ? [] : [ended];
    this.#pending.set(hubId, { asker, id, topic, waiting, values, errors: [] });
    for (const member of waiting) tell(member, { type: 'question', id: hubId, question });
  }

  #done(hubId: number, member: HubMember): void {
    const pending = this.#pending.get(hubId);
    if (!pending?.waiting.delete(member) || pending.waiting.size > 0) return;
    this.#pending.delete(hubId);
    const { asker, id, values, errors } = pending;
    if (this.#members.has(asker)) tell(asker, { type: 'answers', id, values, errors });
  }

  #onExit(member: HubMember): void {
    this.#members.delete(member);
    for (const [hubId, { topic, waiting, values }] of [...this.#pending]) {
      const kept = this.#kept.get(topic);
      const last = kept?.last.get(member);
      if (kept && last !== undefined && waiting.has(member)) values.push(kept.keep(undefined, last));
      this.#done(hubId, member);
    }
    for (const kept of this.#kept.values()) {
      const last = kept.last.get(member);
      if (last !== undefined) kept.ended = kept.keep(kept.ended, last);
      kept.last.delete(member);
    }
    this.#tellReady();
  }

  #tellReady(): void {
    const states = [...this.#members.values()];
    const all = states.length >= this.#expected && states.every((state) => state.ready);
    for (const member of this.#members.keys()) tell(member, { type: 'ready', all });
    const url = states.find((state) => state.url !== null)?.url;
    if (all && url) this.#onAllReady(url);
  }
}

function tell(member: HubMember, message: ToWorker): void {
  member.send(message, () => undefined);
}
