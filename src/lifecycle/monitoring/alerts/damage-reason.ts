import { formatTime } from '../../../core/time.ts';
import type { DamagedLog, UnreadableSegment } from '../contract.ts';
import type { LogDamage } from './alert-keeper.ts';

/** What has happened to a segment of the prediction log, and what is to be done. The alert's subject is the whole path. */
export function replicaDamage(replicaId: string, damaged: DamagedLog): LogDamage {
  const { endpoint, file, problem, rowsRead, rowsLost } = damaged;
  const read = rowsRead === null ? 'rows that could be read are in the log' : `${rows(rowsRead)} in the log`;
  const lost = rowsLost === null ? 'how many are lost is not known' : `${rows(rowsLost)} not`;
  const name = file.slice(file.lastIndexOf('/') + 1);
  const mended = name.replace(/\.damaged\.(\w+)$/, '-mended.sealed.$1');
  const reason =
    `replica "${replicaId}" set aside ${name} of its prediction log (${problem ?? 'damaged'}): ${read}, ${lost}. ` +
    `Look after the disk of that machine. Take the file from a backup, name it ${mended} and start the replica ` +
    'again: its rows are taken then, each once. Or delete it, if its rows are not needed';
  return { endpoint, subject: file, rowsLost, reason };
}

function rows(count: number): string {
  return count === 1 ? '1 row of it is' : `${count} rows of it are`;
}

/** So many segments are told of one by one. */
const mostNamed = 3;

/** What control cannot read of each endpoint's log, and what is to be done. */
export function controlDamages(segments: readonly UnreadableSegment[]): readonly LogDamage[] {
  const byEndpoint = Map.groupBy(segments, ({ endpoint }) => endpoint);
  return [...byEndpoint].map(([endpoint, all]) => {
    const [first] = all;
    const others = all.length === 1 ? '' : ` and ${all.length - 1} more`;
    const named = all.slice(0, mostNamed).map(told).join('; ');
    const unnamed = all.length > mostNamed ? `; and ${all.length - mostNamed} more` : '';
    const reason =
      `control cannot read ${all.length === 1 ? 'a segment' : `${all.length} segments`} of the log of "${endpoint}" ` +
      `and goes on without: ${named}${unnamed}. Put the files back into the blob store from a backup, under the same ` +
      'names: they are read again within 5 minutes. Until then searches, counts and verdicts are without their rows';
    return {
      endpoint,
      subject: `segment ${first?.id}${others}`,
      rowsLost: all.reduce((sum, segment) => sum + segment.rows, 0),
      reason,
    };
  });
}

function told({ family, digest, rows, minEventTimeMs, maxEventTimeMs, why }: UnreadableSegment): string {
  const what = family === 'prediction' ? 'predictions' : 'labels';
  const span = `${formatTime(minEventTimeMs)} to ${formatTime(maxEventTimeMs)}`;
  return `${rows} ${what} from ${span} (blob ${digest}): ${why}`;
}
