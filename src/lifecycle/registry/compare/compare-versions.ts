import { formatTime } from '../../../core/time.ts';
import { guessDirection, pointValue } from '../../experiments/index.ts';
import type {
  ComparedVersion,
  DatasetDifference,
  GateDifference,
  MetricDifference,
  VersionComparison,
} from '../contract/compare.ts';
import { type Differences, differencesOf } from './differences.ts';
import { compareEnvironments } from './environment.ts';
import type { VersionFacts } from './facts.ts';
import { type Columns, columnsOf, columnsOfMlmodel, compareColumns } from './signature.ts';

const commitTag = 'mlflow.source.git.commit';
const entryPointTag = 'mlflow.source.name';
const contextTag = 'mlflow.data.context';

/** What differs between two versions, by what is recorded of each. */
export function compareVersions(from: VersionFacts, to: VersionFacts): VersionComparison {
  const heads = [head(from), head(to)] as const;
  const columns = [columnsIn(from), columnsIn(to)] as const;
  const commits = heads.map(({ commit }) => commit);
  const notes = [from, to].flatMap((facts, i) => [
    ...facts.notes,
    ...(columns[i] ? [] : [`Version ${facts.version.version}: no signature is recorded.`]),
  ]);
  return {
    name: from.version.name,
    from: heads[0],
    to: heads[1],
    params: wire(differencesOf(paramsOf(from), paramsOf(to))),
    metrics: wire(compareMetrics(from, to)),
    tags: wire(differencesOf(tagsOf(from), tagsOf(to))),
    datasets: wire(compareDatasets(from, to)),
    signature: wire(compareColumns(columns[0] ?? new Map(), columns[1] ?? new Map())),
    environment: wire(compareEnvironments(from.files, to.files)),
    gates: wire(compareGates(from, to)),
    isSamePackage: heads.some(({ digest }) => digest === null) ? null : heads[0].digest === heads[1].digest,
    isSameCommit: commits.includes(null) ? null : commits[0] === commits[1],
    notes,
  };
}

const wire = <T>({ differing, sameCount }: Differences<T>) => ({ differing: [...differing], sameCount });

function head({ version, run, model }: VersionFacts): ComparedVersion {
  const tag = (key: string): string | null =>
    [...(run?.tags ?? []), ...(model?.tags ?? [])].find((t) => t.key === key)?.value ?? null;
  return {
    version: version.version,
    stage: version.stage,
    aliases: [...version.aliases],
    createdAt: formatTime(version.createdAtMs),
    createdBy: version.createdBy,
    source: version.source,
    digest: version.digest,
    modelId: version.modelId,
    runId: run?.id ?? version.sourceRunId,
    runName: run?.name ?? null,
    commit: tag(commitTag),
    entryPoint: tag(entryPointTag),
  };
}

/** Params of the logged model and of the run; the run's where both have one. */
function paramsOf({ run, model }: VersionFacts): ReadonlyMap<string, string> {
  return new Map([...(model?.params ?? []), ...(run?.params ?? [])].map(({ key, value }) => [key, value]));
}

/** Tags of the run that people set, and of the version; the version's where both have one. */
function tagsOf({ run, version }: VersionFacts): ReadonlyMap<string, string> {
  const ofRun = (run?.tags ?? []).filter(
    ({ key }) => !key.startsWith('mlflow.') && !key.startsWith('millrace.'),
  );
  return new Map([...ofRun, ...version.tags].map(({ key, value }) => [key, value]));
}

function compareMetrics(from: VersionFacts, to: VersionFacts): Differences<MetricDifference> {
  const isSame = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));
  const { differing, sameCount } = differencesOf(metricsOf(from), metricsOf(to), isSame);
  const summaries = [...(to.run?.metrics ?? []), ...(from.run?.metrics ?? [])];
  const value = (number: number | null) =>
    number !== null && Number.isNaN(number) ? ('NaN' as const) : number;
  return {
    sameCount,
    differing: differing.map((pair) => {
      const known = summaries.find((summary) => summary.key === pair.key);
      const direction = known?.direction ?? guessDirection(pair.key);
      const isDirectionGuessed = known?.isDirectionGuessed ?? true;
      const change = pair.from === null || pair.to === null ? Number.NaN : pair.to - pair.from;
      const difference = Number.isNaN(change) ? null : change;
      const isBetter =
        difference === null ? null : direction === 'maximize' ? difference > 0 : difference < 0;
      return {
        key: pair.key,
        from: value(pair.from),
        to: value(pair.to),
        difference,
        direction,
        isDirectionGuessed,
        isBetter,
      };
    }),
  };
}

/** The last value of each metric, of the run where it has it, else of the logged model. */
function metricsOf({ run, model }: VersionFacts): ReadonlyMap<string, number> {
  const ofModel = [...(model?.metrics ?? [])].sort((a, b) => a.step - b.step || a.timeMs - b.timeMs);
  return new Map([
    ...ofModel.map(({ key, value }) => [key, value] as const),
    ...(run?.metrics ?? []).map(({ key, last }) => [key, pointValue(last)] as const),
  ]);
}

function compareDatasets(from: VersionFacts, to: VersionFacts): Differences<DatasetDifference> {
  const { differing, sameCount } = differencesOf(datasetsOf(from), datasetsOf(to));
  return {
    sameCount,
    differing: differing.map(({ key, ...pair }) => {
      const [name = '', context = ''] = JSON.parse(key) as readonly string[];
      return { name, context, ...pair };
    }),
  };
}

/** Digests by name and use; several of one name and use together. The registered dataset version is its own line. */
function datasetsOf({ run, version }: VersionFacts): ReadonlyMap<string, string> {
  const uses = (run?.inputs ?? []).map(({ dataset, tags }) => {
    const context = tags.find(({ key }) => key === contextTag)?.value ?? '';
    return { key: JSON.stringify([dataset.name, context]), digest: dataset.digest };
  });
  const registered = version.datasetDigest ?? version.datasetVersionId;
  if (registered !== null && !uses.some(({ digest }) => digest === registered)) {
    uses.push({ key: JSON.stringify(['dataset version', '']), digest: registered });
  }
  const keys = [...new Set(uses.map(({ key }) => key))];
  const digests = (key: string) => uses.filter((use) => use.key === key).map(({ digest }) => digest);
  return new Map(keys.map((key) => [key, [...new Set(digests(key))].sort().join(', ')]));
}

function columnsIn({ version, files }: VersionFacts): Columns | undefined {
  if (version.signature) return columnsOf(version.signature);
  const mlmodel = files.get('MLmodel');
  return mlmodel === undefined ? undefined : columnsOfMlmodel(mlmodel);
}

function compareGates(from: VersionFacts, to: VersionFacts): Differences<GateDifference> {
  const gates = ({ version }: VersionFacts) =>
    new Map(
      version.gates.map(({ name, verdict, measured }) => [name, { verdict, value: measured?.value ?? null }]),
    );
  const { differing, sameCount } = differencesOf(
    gates(from),
    gates(to),
    (a, b) => a.verdict === b.verdict && a.value === b.value,
  );
  return { sameCount, differing: differing.map(({ key: name, ...pair }) => ({ name, ...pair })) };
}
