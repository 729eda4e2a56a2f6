import type { z } from 'zod';
import { formatTime, parseDuration } from '../../core/time.ts';
import { labelJoinOutputsSchema } from '../../lifecycle/feedback/index.ts';
import { runStep, type StateHandler, type TurnContext } from '../engine/turn-context.ts';
import { prepareOutputsSchema } from '../steps/prepare-data.ts';

/**
 * `preparing`: gets the rows to train and to judge on. The first turn, and one that was told which dataset version
 * to use, take a registered version; every other joins what was predicted with what came true.
 */
export const preparing: StateHandler = async (turn) => {
  let joined: z.output<typeof labelJoinOutputsSchema> | undefined;
  if (turn.data.rowsFrom === 'log') {
    const join = await runStep(turn, 'label-join', 'label-join', () => joinInputs(turn));
    if (!join.done) return join.decision;
    joined = labelJoinOutputsSchema.parse(join.outputs);
  }
  const prepare = await runStep(turn, 'prepare-data', 'prepare-data', () => prepareInputs(turn, joined));
  if (!prepare.done) return prepare.decision;
  const { joinedRows, ...prepared } = prepareOutputsSchema.parse(prepare.outputs);
  return {
    do: 'move',
    to: 'training',
    reason: `${count(prepared.trainRows)} rows to train on, ${count(prepared.holdoutRows)} from ${prepared.boundary} on to judge on`,
    evidence: { ...prepared, joinedRows, waitingForLabels: joined?.waiting ?? null },
    change: { prepared },
  };
};

async function joinInputs(turn: TurnContext) {
  const { data, improve } = turn.file;
  const champion = await turn.champion();
  // A live stream's watermark is a minute behind, for what comes late; the step has all that is there sent before it reads.
  const endMs = turn.live ? turn.nowMs : (turn.startedEventMs ?? turn.nowMs);
  return {
    endpoint: turn.endpoint,
    from: formatTime(endMs - parseDuration(improve.retrain.window)),
    // Of younger rows only those with quick labels would be known, which are not like the others.
    to: formatTime(endMs - parseDuration(data.label.delay)),
    features: champion?.inputs.map((input) => input.name) ?? [],
    label: data.label.column,
    time: data.time,
    entity: data.entity,
  };
}

async function prepareInputs(turn: TurnContext, joined: z.output<typeof labelJoinOutputsSchema> | undefined) {
  const { data } = turn.file;
  const versionId = turn.overrides.datasetVersion ?? turn.sourceVersionId;
  await turn.ports.data.requireFit(versionId, `loop ${turn.loop}`, [
    { name: data.time },
    { name: data.label.column },
  ]);
  return {
    versionId,
    holdoutRatio: data.split.holdout,
    joined: joined
      ? {
          digest: joined.digest,
          dataset: `${turn.loop}-joined`.toLowerCase(),
          time: data.time,
          entity: data.entity,
          label: data.label.column,
          from: joined.from,
        }
      : null,
  };
}

function count(rows: number): string {
  return rows.toLocaleString('en-US');
}
