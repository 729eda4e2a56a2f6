import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Flight } from './flights.ts';

/** What the endpoint answered for a flight. */
export interface Answer {
  readonly score: number;
  readonly modelVersion: number;
  readonly arm: string;
}

interface SendCounts {
  /** Requests that were repeated, with the same prediction id, because the connection broke or serve was away. */
  retried: number;
}

const patienceMs = 60_000;
const pauseMs = 50;

/**
 * The airline's system: one request per flight by the Open Inference Protocol, over connections that are kept, as
 * many at a time as there are connections. A request that got no answer is sent again under the same id.
 */
export class FlightEndpoint {
  readonly counts: SendCounts = { retried: 0 };
  readonly #agent: Agent;
  readonly #url: URL;
  readonly #connections: number;

  constructor(serveUrl: string, endpoint: string, connections = 24) {
    this.#url = new URL(`/v2/models/${endpoint}/infer`, serveUrl);
    this.#connections = connections;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /**
   * Asks for every flight, in order of departure.
   *
   * @throws when the endpoint refuses a flight, or does not answer for a minute
   */
  async ask(flights: readonly Flight[], onAnswer: (flight: Flight, answer: Answer) => void): Promise<void> {
    let next = 0;
    const sender = async (): Promise<void> => {
      for (;;) {
        const flight = flights[next++];
        if (!flight) return;
        onAnswer(flight, readAnswer(await this.#askUntilAnswered(flight)));
      }
    };
    await Promise.all(Array.from({ length: this.#connections }, sender));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #askUntilAnswered(flight: Flight): Promise<string> {
    const body = requestBody(flight);
    const giveUpMs = performance.now() + patienceMs;
    for (;;) {
      const reply = await this.#post(body);
      if (reply.status === 200) return reply.text;
      const away = reply.status === undefined || reply.status === 503;
      if (!away || performance.now() > giveUpMs) {
        const status = reply.status === undefined ? 'no answer' : `status ${reply.status}`;
        throw new Error(`flight ${flight.id}: ${status} from ${this.#url.href}: ${reply.text.slice(0, 400)}`);
      }
      this.counts.retried++;
      await sleep(pauseMs);
    }
  }

  #post(body: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
    return new Promise((resolve) => {
      const failed = (error: Error) => resolve({ status: undefined, text: error.message });
      const outgoing = request(
        this.#url,
        {
          method: 'POST',
          agent: this.#agent,
          timeout: patienceMs,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            if (!response.complete) return failed(new Error('the answer broke off'));
            resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') });
          });
          response.on('error', failed);
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${patienceMs / 1000} s`)));
      outgoing.on('error', failed);
      outgoing.end(body);
    });
  }
}

/** The request of one flight; `hour` as the schedule has it, 0 to 23. */
export function requestBody(flight: Flight): string {
  const text = (name: string, value: string) =>
    `{"name":"${name}","datatype":"BYTES","shape":[1],"data":[${JSON.stringify(value)}]}`;
  const whole = (name: string, value: number) =>
    `{"name":"${name}","datatype":"INT64","shape":[1],"data":[${value}]}`;
  return `{"id":"${flight.id}","parameters":{"entity":"${flight.id}","event_time":${flight.departureMs}},"inputs":[${[
    text('origin', flight.origin),
    text('destination', flight.destination),
    whole('weekday', flight.weekday),
    whole('hour', flight.hour),
    whole('distance', flight.distance),
  ].join(',')}]}`;
}

interface InferReply {
  readonly model_version?: string;
  readonly parameters?: { readonly arm?: string };
  readonly outputs: readonly { readonly datatype: string; readonly data: readonly number[] }[];
}

/** Takes the probability of being late out of an answer: the second of the two class probabilities. */
export function readAnswer(text: string): Answer {
  const reply = JSON.parse(text) as InferReply;
  const probabilities = reply.outputs.find((o) => o.datatype.startsWith('FP') && o.data.length === 2);
  const score = probabilities?.data[1];
  if (score === undefined) throw new Error(`no probabilities in the answer: ${text.slice(0, 400)}`);
  return { score, modelVersion: Number(reply.model_version), arm: reply.parameters?.arm ?? '' };
}
