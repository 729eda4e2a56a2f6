import { unknownFeaturesWarning } from '../../../../src/core/unknown-features.ts';
import type { EndpointOptions } from '../../../../src/lifecycle/serving/contract.ts';
import { fieldProblems } from '../../api/problem.ts';
import { formatCount } from '../../kit/format.ts';

/** The options of an endpoint as people write them: empty for none. */
export type OptionsDraft = Readonly<Record<OptionField, string>>;

type OptionField =
  | 'environment'
  | 'maxRows'
  | 'maxDelayUs'
  | 'maxWaitingRows'
  | 'timeoutMs'
  | 'cacheEntries'
  | 'cacheAgeMs'
  | 'requestsPerSecond'
  | 'concurrentRequests'
  | 'payloadShare'
  | 'redact'
  | 'hash'
  | 'requireKey';

/** The fields in the order in which they are asked, with what an empty one means. */
export const optionFields: readonly (readonly [field: OptionField, label: string, empty: string])[] = [
  ['environment', 'Environment', 'none'],
  ['maxRows', 'Rows of one run, at most', 'as measured at warm-up'],
  ['maxDelayUs', 'Wait for company, in microseconds', 'no waiting'],
  ['maxWaitingRows', 'Rows that may wait', '8192'],
  ['timeoutMs', 'Answer within, in milliseconds', 'as long as it takes'],
  ['requestsPerSecond', 'Requests per second', 'no limit'],
  ['concurrentRequests', 'Requests at once', 'no limit'],
  ['cacheEntries', 'Remember answers, at most', 'none are remembered'],
  ['cacheAgeMs', 'Remember them for, in milliseconds', 'until others take their place'],
  ['payloadShare', 'Share of rows logged whole', '1, every row'],
  ['redact', 'Features never logged', 'none'],
  ['hash', 'Features logged as a hash', 'none'],
];

const TEXTS: readonly OptionField[] = ['environment', 'redact', 'hash'];

/** What stands where an option is only read: a number has its digits grouped. */
export const shownOption = (field: OptionField, written: string): string =>
  !TEXTS.includes(field) && /^\d+$/.test(written) ? formatCount(Number(written)) : written;

const namesOf = (written: string): readonly string[] =>
  written
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const text = (value: number | string | null | undefined): string => String(value ?? '');

export function draftOf(options: EndpointOptions): OptionsDraft {
  const { batching, limits, cache, log } = options;
  return {
    environment: text(options.environment),
    maxRows: text(batching.maxRows),
    maxDelayUs: batching.maxDelayUs === 0 ? '' : text(batching.maxDelayUs),
    maxWaitingRows: text(batching.maxWaitingRows),
    timeoutMs: text(options.timeoutMs),
    cacheEntries: text(cache?.maxEntries),
    cacheAgeMs: text(cache?.maxAgeMs),
    requestsPerSecond: text(limits.requestsPerSecond),
    concurrentRequests: text(limits.concurrentRequests),
    payloadShare: log.payloadShare === 1 ? '' : text(log.payloadShare),
    redact: log.redact.join(', '),
    hash: log.hash.join(', '),
    requireKey: options.requireKey ? 'yes' : '',
  };
}

/**
 * The options that a draft says. A number that is not one is sent as it was written, so that the server's answer
 * names the field and the value.
 */
export function optionsOf(draft: OptionsDraft): unknown {
  const number = (field: OptionField): number | string | undefined => {
    const written = draft[field].trim();
    if (written === '') return undefined;
    const value = Number(written);
    return Number.isNaN(value) ? written : value;
  };
  const maxEntries = number('cacheEntries');
  return {
    environment: draft.environment.trim() || null,
    batching: {
      maxRows: number('maxRows') ?? null,
      maxDelayUs: number('maxDelayUs'),
      maxWaitingRows: number('maxWaitingRows'),
    },
    timeoutMs: number('timeoutMs') ?? null,
    cache: maxEntries === undefined ? null : { maxEntries, maxAgeMs: number('cacheAgeMs') ?? null },
    limits: {
      requestsPerSecond: number('requestsPerSecond') ?? null,
      concurrentRequests: number('concurrentRequests') ?? null,
    },
    requireKey: draft.requireKey !== '',
    log: { payloadShare: number('payloadShare'), redact: namesOf(draft.redact), hash: namesOf(draft.hash) },
  };
}

/** What the server refused of a draft, by its field. */
export const optionProblems = (error: unknown): Partial<Record<OptionField, string>> =>
  Object.fromEntries(
    fieldProblems(error).flatMap(({ field, problem }) => {
      const path = field.replace(/^options\./, '').replace(/\.\d+$/, '');
      const known = optionFields.find(([each]) => PLACES[each] === path);
      return known ? [[known[0], problem]] : [];
    }),
  );

/** Where the API has what a field says. */
const PLACES: Readonly<Record<OptionField, string>> = {
  environment: 'environment',
  maxRows: 'batching.maxRows',
  maxDelayUs: 'batching.maxDelayUs',
  maxWaitingRows: 'batching.maxWaitingRows',
  timeoutMs: 'timeoutMs',
  cacheEntries: 'cache.maxEntries',
  cacheAgeMs: 'cache.maxAgeMs',
  requestsPerSecond: 'limits.requestsPerSecond',
  concurrentRequests: 'limits.concurrentRequests',
  payloadShare: 'log.payloadShare',
  redact: 'log.redact',
  hash: 'log.hash',
  requireKey: 'requireKey',
};

/** See `unknownFeaturesWarning`. */
export const draftWarning = (
  draft: Pick<OptionsDraft, 'redact' | 'hash'>,
  inputs: readonly string[],
): string | null =>
  unknownFeaturesWarning({ redact: [...namesOf(draft.redact)], hash: [...namesOf(draft.hash)] }, inputs);
