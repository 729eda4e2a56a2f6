import { z } from 'zod';
import { part as inPath } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { type Turn, turnSummarySchema } from '../contract.ts';
import { facts, table } from '../format/table.ts';
import { ago, count, eventTime, lasted, more, none, percent } from '../format/text.ts';
import { comparisonLine } from './comparison-line.ts';
import { limitOf } from './limit-of.ts';
import { turnName, turnNamed } from './turn-named.ts';

/** `millrace turns [loop]` */
export async function turns(call: CommandCall): Promise<undefined> {
  const loop = call.at(0) || undefined;
  const list = await call.api.list('turns', turnSummarySchema, limitOf(call, 20), { loop });
  // A loop that is not there has no turns either: this says so.
  if (loop && list.items.length === 0) await call.api.get(`loops/${inPath(loop)}`, z.unknown());
  call.show(list, () =>
    list.items.length === 0
      ? `No turn${loop ? ` of ${loop}` : ''} yet.`
      : table(
          [
            { head: 'turn', value: turnName },
            { head: 'state', value: (turn) => turn.state },
            { head: 'cause', value: (turn) => turn.trigger.cause },
            { head: 'version', value: (turn) => turn.challengerVersion ?? none, align: 'right' },
            { head: 'event time', value: (turn) => eventTime(turn.startedEventTime) },
            { head: 'started', value: (turn) => ago(turn.startedAt, call.nowMs) },
            { head: 'took', value: (turn) => lasted(turn.startedAt, turn.finishedAt, call.nowMs) },
            { head: 'why', value: (turn) => turn.reason },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** `millrace turn <turn>` */
export async function turn(call: CommandCall): Promise<undefined> {
  const found = await turnNamed(call.api, call.at(0));
  call.show(found, () => turnText(found, call.nowMs, call.width));
}

/** Everything of a turn that a person decides by. */
function turnText(found: Turn, nowMs: number, width: number): string {
  return [
    facts([
      ['turn', `${turnName(found)}, ${found.state}`],
      ['why', found.reason],
      ['cause', `${found.trigger.cause}: ${found.trigger.reason} (${found.trigger.by})`],
      [
        'time',
        `started ${ago(found.startedAt, nowMs)}, ${found.finishedAt ? 'took' : 'so far'} ${lasted(found.startedAt, found.finishedAt, nowMs)}`,
      ],
      ['event time', found.startedEventTime && eventTime(found.startedEventTime)],
      ['challenger', found.challengerVersion === null ? null : `version ${found.challengerVersion}`],
      ['champion', found.championVersion === null ? null : `version ${found.championVersion} when it began`],
      ['failure', found.failure && `${found.failure.state}: ${found.failure.message}`],
      ['evaluation', found.evaluationId],
    ]),
    ...rolloutPart(found),
    ...part(
      'Gates',
      found.gates,
      table(
        [
          { head: 'gate', value: (gate) => gate.name },
          { head: 'verdict', value: (gate) => gate.verdict },
          { head: 'reason', value: (gate) => gate.reason },
        ],
        found.gates,
        width,
      ),
    ),
    ...part('Decisions', found.approvals, found.approvals.map(decisionText).join('\n')),
    ...part(
      'Steps',
      found.steps,
      table(
        [
          { head: 'step', value: (step) => step.kind },
          { head: 'status', value: (step) => step.status },
          { head: 'took', value: (step) => lasted(step.startedAt, step.finishedAt, nowMs) },
          { head: 'step run', value: (step) => step.stepRunId },
          { head: 'error', value: (step) => step.error ?? '' },
        ],
        found.steps,
        width,
      ),
    ),
    ...part(
      'What happened',
      found.transitions,
      table(
        [
          { head: 'when', value: (step) => ago(step.at, nowMs) },
          { head: 'event time', value: (step) => eventTime(step.eventTime) },
          { head: 'state', value: (step) => step.to },
          { head: 'by', value: (step) => step.actor },
          { head: 'why', value: (step) => step.reason },
        ],
        found.transitions,
        width,
      ),
    ),
  ].join('\n');
}

function part(title: string, items: readonly unknown[], text: string): readonly string[] {
  return items.length === 0 ? [] : ['', title, text];
}

function decisionText(asked: Turn['approvals'][number]): string {
  const answer = asked.decision
    ? `${asked.decision} by ${asked.by}: ${asked.reason}`
    : 'waits for a person (millrace approve or reject)';
  return `${asked.stage}: ${asked.question} – ${answer}`;
}

function rolloutPart({ rollout }: Turn): readonly string[] {
  if (!rollout) return [];
  const { comparisons, requests, labels } = rollout;
  const lines = [
    `${rollout.stage} with ${percent(rollout.percent / 100)} of the traffic: ${rollout.reason}`,
    `${count(requests.have, 'request')} of ${requests.need}, ${count(labels.have, 'label')} of ${labels.need}`,
    ...comparisons.map(comparisonLine),
    ...rollout.guardrails.map((rail) => `${rail.name}: ${rail.verdict}, ${rail.reason}`),
  ];
  return ['', 'Rollout', ...lines];
}
