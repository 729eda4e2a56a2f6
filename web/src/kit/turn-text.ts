import type { TriggerCause, TurnState } from '../../../src/loop/contract.ts';
import type { State } from '../charts/prepare/wheel.ts';
import { formatCount } from './format.ts';

/** A turn's state as a mark. Refused and rolled back are the loop doing its duty: they are to be seen, not repaired. */
export function stateOfTurn(state: TurnState): State {
  if (state === 'promoted') return 'good';
  if (state === 'failed') return 'bad';
  if (state === 'rejected' || state === 'rolled-back' || state === 'awaiting-approval') return 'watch';
  return state === 'cancelled' ? 'none' : 'running';
}

const WORDS: Readonly<Record<TurnState, string>> = {
  preparing: 'preparing data',
  training: 'training',
  packaging: 'packaging',
  evaluating: 'evaluating',
  gating: 'at the gates',
  'awaiting-approval': 'waits for an approval',
  refitting: 'refitting on all rows',
  shadow: 'in shadow',
  canary: 'in canary',
  promoting: 'promoting',
  promoted: 'promoted',
  rejected: 'refused',
  'rolled-back': 'rolled back',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const turnWord = (state: TurnState): string => WORDS[state] ?? state;

const CAUSES: Readonly<Record<TriggerCause, string>> = {
  first: 'first training',
  drift: 'drift',
  performance: 'quality',
  schedule: 'schedule',
  labels: 'new labels',
  manual: 'by hand',
};

export const causeWord = (cause: TriggerCause): string => CAUSES[cause] ?? cause;

const ISO_TIME = /(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?Z/g;

/** Names of metrics as the files have them, and as they are said within a sentence. */
const METRIC_NAMES: readonly (readonly [RegExp, string])[] = [
  [/\blogLoss\b/g, 'log loss'],
  [/\babsoluteError\b/g, 'absolute error'],
  [/\bsquaredError\b/g, 'squared error'],
  [/\bbalancedAccuracy\b/g, 'balanced accuracy'],
  [/\bauc\b/g, 'AUC'],
  [/\bece\b/g, 'calibration error'],
];

/** A p-value to two digits; below a ten-thousandth its size says nothing more. */
const pValue = (_all: string, written: string): string => {
  const value = Number(written);
  return value < 0.0001 ? 'p\u00a0<\u00a00.0001' : `p\u00a0=\u00a0${Number(value.toPrecision(2))}`;
};

/** Ids of runs, which are told apart by their beginning. */
const LONG_ID = /\b[0-9a-f]{32}\b/g;

const BETTER_BY = /\b(better|worse) by ([\d.]+) \(([−-]?[\d.]+) to ([−-]?[\d.]+)\)/g;

/** What an interval says of a difference, in words: whether it is proved, and what else is possible. */
function betterBy(_all: string, way: string, by: string, low: string, high: string): string {
  if (!/^[−-]/.test(low)) return `${way} by ${by}, proved (between ${low} and ${high})`;
  const other = way === 'better' ? 'worse' : 'better';
  return `${way} by ${by} so far, not proved (from ${low.slice(1)} ${other} to ${high.replace(/^[−-]/, '')} ${way})`;
}

/**
 * A server's sentence as people write: dates without machine noise, `v7` for version 7, metrics by their names, a true
 * minus, and thousands as everywhere on the screens.
 */
export const humane = (text: string): string =>
  METRIC_NAMES.reduce((said, [name, word]) => said.replace(name, word), text)
    .replace(BETTER_BY, betterBy)
    .replace(/, at least 0(\.0+)? %(?=\))/g, '')
    .replace(/\((\d[\d.]*) to …\)/g, '(at least $1)')
    .replace(/ \(… to …\)/g, '')
    .replace(LONG_ID, (id) => id.slice(0, 8))
    .replace(/\bby user:/g, 'by ')
    .replace(ISO_TIME, (_all, day: string, clock: string) => (clock === '00:00' ? day : `${day} ${clock}`))
    .replace(/\bversion (\d+)\b/gi, 'v$1')
    .replace(/\bp (\d+(?:\.\d+)?(?:e-\d+)?)\b/g, pValue)
    .replace(/(^|[\s(])-(?=\d)/g, '$1\u2212')
    .replace(/(\d) (?=(?:%|ms)(?!\w))/g, '$1\u202f')
    .replace(/(\d),(?=\d{3}(?!\d))/g, '$1\u202f')
    .replace(/\b(\d{4,})(?= (?:labels|rows|pairs|requests|copies)\b)/g, (digits) =>
      formatCount(Number(digits)),
    );

/**
 * First letter large, for a sentence made of a server's reason; version names stay as they are, and so does each of the
 * names given, as those of arms, at its beginning.
 */
export const sentence = (text: string, names: readonly string[] = []): string => {
  const plain = humane(text);
  const isNamed = names.some((name) => plain.startsWith(name) && /^(?![\w-])/.test(plain.slice(name.length)));
  return plain === '' || isNamed || /^v\d/.test(plain)
    ? plain
    : `${plain[0]?.toUpperCase()}${plain.slice(1)}`;
};

/** What somebody waits for, as a sentence; the server's words may say already that it waits. */
export const waitsText = (what: string): string =>
  `Waits for ${humane(what)
    .replace(/^waits for /i, '')
    .replace(/\.$/, '')}.`;

/** What happened; what to do about it stands where the way leads to. */
export const firstSentence = (reason: string): string => reason.split(/(?<=\.) (?=[A-Z])/)[0] ?? reason;

/** Why a turn stands as it does, without repeating the version and the state that stand before it. */
export const reasonOf = (turn: { readonly reason: string }): string =>
  sentence(humane(turn.reason).replace(/^v\d+ (rolled back|is champion|promoted|rejected): /, ''));

/** Cause and reason of a trigger, without saying the cause twice. */
export function whyItBegan(trigger: { readonly cause: TriggerCause; readonly reason: string }): string {
  const reason = humane(trigger.reason);
  const told = reason.toLowerCase().startsWith(trigger.cause);
  return told ? sentence(reason) : `${sentence(causeWord(trigger.cause))}: ${reason}`;
}

/** Who did it, without what kind of actor they are: `user:ana` is ana. */
export const actorName = (actor: string): string => actor.replace(/^(user|system):/, '');
