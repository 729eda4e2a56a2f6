import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { differenceText, shadowEvidenceSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { eventTime, none } from '../format/text.ts';
import { lookLines } from './look-lines.ts';
import { rolloutNamed } from './rollouts.ts';

/** `millrace rollout looks <endpoint>` */
export async function looks(call: CommandCall): Promise<undefined> {
  const { id, looks: past } = await rolloutNamed(call);
  // A line for each arm and metric of a look; before anything is compared, one for the look.
  const lines = past.flatMap((look) => {
    const compared = look.comparisons.length === 0 ? [null] : look.comparisons;
    return compared.map((comparison) => ({ look, comparison }));
  });
  call.show(past, () =>
    past.length === 0
      ? `Nobody has looked at rollout ${id} yet.`
      : table(
          [
            { head: 'at', value: ({ look }) => eventTime(look.at) },
            { head: 'stage', value: ({ look }) => look.stage },
            { head: '%', value: ({ look }) => Number(look.percent.toFixed(2)), align: 'right' },
            {
              head: 'requests',
              value: ({ look }) => look.arms.map((arm) => `${arm.arm} ${arm.requests}`).join(', '),
            },
            {
              head: 'outcomes beside the champion',
              value: ({ comparison: c }) => (c ? `${c.arm}: ${differenceText(c)}, n ${c.n}` : none),
            },
          ],
          lines,
          call.width,
        ),
  );
}

/** `millrace rollout evidence <endpoint>` */
export async function evidence(call: CommandCall): Promise<undefined> {
  const query = {
    metric: call.option('metric'),
    threshold: call.option('threshold'),
    segment: call.option('segment'),
  };
  const path = `endpoints/${part(call.at(0))}/shadow`;
  const found = await call.api.get(path, shadowEvidenceSchema, query);
  call.show(found, () => {
    const { differences: d } = found;
    return [
      `Shadow ${found.shadowVersion} beside champion ${found.championVersion} on ${found.endpoint}, since ${eventTime(found.since)}: ${found.look.reason}`,
      ...lookLines(found.look),
      ...(d
        ? [
            `scores differ by (5, 25, 50, 75, 95 % of requests) ${[d.p05, d.p25, d.p50, d.p75, d.p95].map(fixed).join(', ')}`,
          ]
        : []),
      ...found.furthest.map(
        (row) =>
          `${eventTime(row.eventTime)} ${row.predictionId}: champion ${fixed(row.champion)}, shadow ${fixed(row.shadow)}`,
      ),
    ].join('\n');
  });
}

function fixed(value: number | null): string {
  return value?.toFixed(4) ?? none;
}
