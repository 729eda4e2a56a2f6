import { type HttpAnswer, jsonAnswer } from './http/answer.ts';

/** Paths of which the processes on a port are asked for their counts. */
type CountsPath = '/metrics' | '/v2/models/stats';

/** The processes that answer on the same port. */
export interface Peers {
  /**
   * What each of them answers to a GET of this path, this one included, and what is kept of those that ended. Throws
   * the error of one.
   */
  get(path: CountsPath): Promise<readonly HttpAnswer[]>;
}

/** Metrics of all processes as those of one. */
export async function metricsOfAll(peers: Peers): Promise<HttpAnswer> {
  const answers = await peers.get('/metrics');
  const body = summedMetrics(answers.map((answer) => answer.body.toString()));
  return { status: 200, contentType: answers[0]?.contentType ?? 'text/plain', body };
}

/** These versions with what all processes, and those that ended, have counted of them. */
export async function statisticsOfAll(peers: Peers, own: Statistics): Promise<Statistics> {
  const all = summedStatistics((await peers.get('/v2/models/stats')).map(statisticsIn));
  const counted = new Map(all.model_stats.map((entry) => [keyOf(entry), entry]));
  return { model_stats: own.model_stats.map((entry) => counted.get(keyOf(entry)) ?? entry) };
}

/**
 * What remains of the answers of processes that ended, together with what remained of others (undefined where there are
 * none): sums never fall.
 */
export const endedAnswers: Readonly<
  Record<CountsPath, (before: HttpAnswer | undefined, last: HttpAnswer) => HttpAnswer>
> = { '/metrics': endedMetrics, '/v2/models/stats': endedStatistics };

/** Samples that are the same fact seen several times, not parts of a sum. */
const largest = /_(?:version|start_time_seconds|version_info|ratio)(?:\{|$)|eventloop_lag/;

/** Metrics of several processes in Prometheus's text form as those of one: samples of a name and labels are added. */
export function summedMetrics(texts: readonly string[]): string {
  const samples = new Map<string, number>();
  /** Lines in the order of the first text that has them; a sample is its name with labels. */
  const lines = new Map<string, 'comment' | 'sample'>();
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line.startsWith('#')) {
      lines.set(line, 'comment');
      continue;
    }
    const end = line.lastIndexOf(' ');
    if (end <= 0) continue;
    const [name, value] = [line.slice(0, end), Number(line.slice(end + 1).replace('Inf', 'Infinity'))];
    const before = samples.get(name);
    lines.set(name, 'sample');
    const both = largest.test(name) ? Math.max(before ?? value, value) : sumOf(before ?? 0, value);
    samples.set(name, both);
  }
  return grouped(
    [...lines].map(([line, kind]) => (kind === 'comment' ? line : `${line} ${samples.get(line)}`)),
  );
}

const perUnit = 1e6;

/**
 * The sum in millionths: as they are whole numbers, a sum does not depend on the order of what it is made of. A counter
 * that falls by the last bit of a fraction is taken to have begun anew.
 */
function sumOf(a: number, b: number): number {
  return (Math.round(a * perUnit) + Math.round(b * perUnit)) / perUnit;
}

/** Of metrics the totals of counters and histograms remain. */
function endedMetrics(before: HttpAnswer | undefined, last: HttpAnswer): HttpAnswer {
  const totals = totalsOf(last.body.toString());
  return { ...last, body: before ? summedMetrics([before.body.toString(), totals]) : totals };
}

/** The counters and histograms of a text. */
function totalsOf(text: string): string {
  let counts = false;
  // A metric's help stands before its type.
  let help = '';
  return text
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith('# HELP ')) {
        help = line;
        counts = false;
        return [];
      }
      const type = /^# TYPE \S+ (\S+)/.exec(line)?.[1];
      if (type !== undefined) {
        counts = type === 'counter' || type === 'histogram';
        return counts ? [help, line] : [];
      }
      return counts ? [line] : [];
    })
    .join('\n');
}

/** Puts samples that only a later text had behind the others of their metric. */
function grouped(lines: readonly string[]): string {
  const groups = new Map<string, string[]>();
  let group = '';
  for (const line of lines) {
    const comment = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
    const name = line.split(/[{ ]/, 1)[0] ?? '';
    const base = name.replace(/_(?:bucket|sum|count)$/, '');
    if (comment !== undefined) group = comment;
    else if (!name.startsWith(group)) group = groups.has(name) ? name : groups.has(base) ? base : name;
    const members = groups.get(group);
    if (members) members.push(line);
    else groups.set(group, [line]);
  }
  return `${[...groups.values()].map((members) => members.join('\n')).join('\n\n')}\n`;
}

/** Triton's statistics of versions. */
export interface Statistics {
  readonly model_stats: readonly Readonly<Record<string, unknown>>[];
}

/** Statistics of several processes as those of one: of each version the counts and times are added. */
export function summedStatistics(all: readonly Statistics[]): Statistics {
  const versions = new Map<string, Readonly<Record<string, unknown>>>();
  for (const entry of all.flatMap((one) => one.model_stats)) {
    const key = keyOf(entry);
    const before = versions.get(key);
    versions.set(key, before ? (added(before, entry, '') as Readonly<Record<string, unknown>>) : entry);
  }
  return { model_stats: [...versions.values()] };
}

function endedStatistics(before: HttpAnswer | undefined, last: HttpAnswer): HttpAnswer {
  return before ? jsonAnswer(200, summedStatistics([before, last].map(statisticsIn))) : last;
}

function statisticsIn({ body }: HttpAnswer): Statistics {
  return JSON.parse(body.toString()) as Statistics;
}

function keyOf({ name, version }: Statistics['model_stats'][number]): string {
  return JSON.stringify([name, version]);
}

function added(a: unknown, b: unknown, name: string): unknown {
  if (typeof a === 'number' && typeof b === 'number') {
    if (name === 'batch_size') return a;
    return name.startsWith('last_') ? Math.max(a, b) : a + b;
  }
  if (Array.isArray(a) && Array.isArray(b)) return addedBatches(a, b);
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a;
  const [first, second] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return Object.fromEntries(
    names.map((key) => [
      key,
      key in first && key in second ? added(first[key], second[key], key) : (first[key] ?? second[key]),
    ]),
  );
}

/** Lists of statistics by batch size. */
function addedBatches(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  const sizes = new Map<unknown, unknown>();
  for (const entry of [...a, ...b]) {
    const size = (entry as { batch_size?: unknown } | null)?.batch_size;
    sizes.set(size, sizes.has(size) ? added(sizes.get(size), entry, '') : entry);
  }
  return [...sizes].sort(([x], [y]) => Number(x) - Number(y)).map(([, entry]) => entry);
}
