import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeedbackSummary } from '../../../src/lifecycle/feedback/contract.ts';
import type { Turn, TurnSummary } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';
import type { Baselines } from './baselines.ts';
import { type Claim, checkClaims, checkRows } from './claims.ts';
import { injected, isInjected, type Killed } from './incidents.ts';
import type { Ledger } from './ledger.ts';
import { judge, type Policy } from './policies.ts';
import { loopName } from './replay.ts';
import { monthChart, monthTable } from './table.ts';

const spotChecks = 40;
const countPatienceMs = 30_000;

/** The screens that show what has happened. */
const links = [
  ['the loop and its turns', `/loops/${loopName}`],
  ['training runs', '/runs'],
  ['the endpoint', `/endpoints/${loopName}`],
  ['predictions and what came true', `/predictions?endpoint=${loopName}`],
  ['drift, quality, health', `/monitoring?endpoint=${loopName}`],
  ['who did what and why', '/audit'],
] as const;

export interface Report {
  readonly finishedAt: string;
  /** Every n-th flight was replayed. */
  readonly sample: number;
  readonly elapsedMs: number;
  readonly requests: { readonly sent: number; readonly sentAgain: number; readonly perSecond: number };
  readonly counts: FeedbackSummary['total'];
  readonly kill: Killed | null;
  readonly policies: readonly Policy[];
  readonly badModels: readonly BadModel[];
  readonly turns: readonly Turn[];
  readonly claims: readonly Claim[];
}

/** What a bad candidate got hold of. */
interface BadModel {
  readonly turn: number;
  readonly version: number | null;
  readonly what: string;
  readonly end: string;
  /** Requests that it answered. */
  readonly answers: number;
  /** Event time during which it could answer requests. */
  readonly from: string | null;
  readonly to: string | null;
}

interface Material {
  readonly api: Api;
  readonly ledger: Ledger;
  readonly sample: number;
  readonly baselines: { readonly result: Promise<Baselines> };
  readonly retriedRequests: number;
  readonly requestMs: number;
  readonly kill: Killed | null;
  readonly elapsedMs: () => number;
}

/** Asks the server for what it has, compares it with the demo's own books, and puts everything together. */
export async function gatherReport(material: Material): Promise<Report> {
  const { api, ledger, kill, retriedRequests, requestMs } = material;
  const turns = await readTurns(api);
  const counted = await countedFeedback(api, ledger.labels.length);
  const { never, monthly, cumulative } = await material.baselines.result;
  const ours = turns.filter((turn) => !isInjected(turn.trigger.reason));
  const policies = [
    judge('never retrained', 1, never, never, ledger),
    judge('monthly, last month', 5, monthly, never, ledger),
    judge('monthly, all rows', 5, cumulative, never, ledger),
    judge('run by the loop', ours.length, ledger.scores, never, ledger),
  ];
  const wrongSpotChecks = await checkRows(api, ledger, spotChecks);
  const screens = await Promise.all(
    links.map(async ([, page]) => ({ page, status: await api.pageStatus(page) })),
  );
  const claims = checkClaims({
    turns,
    injected,
    ledger,
    feedback: counted,
    retriedRequests,
    kill,
    conversionError: largestDifference(ledger, never, turns.find((t) => t.number === 1)?.challengerVersion),
    wrongSpotChecks,
    spotChecks,
    screens,
  });
  return {
    finishedAt: new Date().toISOString(),
    sample: material.sample,
    elapsedMs: Math.round(material.elapsedMs()),
    requests: {
      sent: ledger.labels.length,
      sentAgain: retriedRequests,
      perSecond: Math.round(ledger.answered / (requestMs / 1000)),
    },
    counts: counted.total,
    kill,
    policies,
    badModels: turns.filter((turn) => isInjected(turn.trigger.reason)).map((turn) => badModel(turn, ledger)),
    turns,
    claims,
  };
}

/** Prints the report and writes it to report.json. Returns whether every claim is true. */
export async function printReport(report: Report, directory: string, api: Api): Promise<boolean> {
  const path = join(directory, 'report.json');
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
  const { requests, policies, badModels, claims, turns } = report;
  const number = (n: number) => n.toLocaleString('en-US');
  const bad = badModels.map((b) => {
    const time = b.from && b.to ? `, from ${b.from.slice(0, 16)} to ${b.to.slice(0, 16)}` : '';
    return `  ${b.what.replace('injected: ', '')}: ${b.end}; answered ${number(b.answers)} of ${number(requests.sent)} requests${time}`;
  });
  const lines = [
    '',
    monthTable(policies),
    '',
    monthChart(policies.slice(1)),
    '',
    'Intervals are 95 %: of log loss and Brier score by drawing days again, of AUC by DeLong.',
    `${number(requests.sent)} requests at ${number(requests.perSecond)}/s, ${number(turns.length)} turns. Bad models:`,
    ...bad,
    '',
    'What this demo claims, and what was found:',
    ...claims.map(({ claim, ok, found }) => `  ${ok ? '✓' : '✗'} ${claim}\n      ${found}`),
    '',
    'Look at it:',
    ...links.map(([what, page]) => `  ${`${api.url}${page}`.padEnd(56)} ${what}`),
    `  ${path.padEnd(56)} the same facts as JSON`,
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return claims.every((claim) => claim.ok);
}

async function readTurns(api: Api): Promise<readonly Turn[]> {
  const { items } = await api.get<{ items: TurnSummary[] }>(`/api/v1/turns?loop=${loopName}&limit=1000`);
  const turns: Turn[] = [];
  for (const { id } of items) turns.push(await api.get<Turn>(`/api/v1/turns/${id}`));
  return turns.sort((a, b) => a.number - b.number);
}

/** The counts once the last prediction segment has arrived, or as they are after half a minute. */
async function countedFeedback(api: Api, expected: number): Promise<FeedbackSummary> {
  const giveUpMs = performance.now() + countPatienceMs;
  for (;;) {
    const summary = await api.get<FeedbackSummary>(`/api/v1/labels/summary?endpoint=${loopName}`);
    if (summary.total.predictions >= expected || performance.now() > giveUpMs) return summary;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function badModel(turn: Turn, ledger: Ledger): BadModel {
  const canary = turn.transitions.find((step) => step.to === 'canary');
  return {
    turn: turn.number,
    version: turn.challengerVersion,
    what: turn.trigger.reason,
    end: turn.state,
    answers: turn.challengerVersion === null ? 0 : ledger.answersOf(turn.challengerVersion),
    from: canary?.eventTime ?? null,
    to: canary ? turn.finishedEventTime : null,
  };
}

function largestDifference(ledger: Ledger, scores: Float64Array, version: number | null | undefined): number {
  let largest = 0;
  ledger.versions.forEach((v, i) => {
    if (v === version) largest = Math.max(largest, Math.abs((ledger.scores[i] ?? 0) - (scores[i] ?? 0)));
  });
  return largest;
}
