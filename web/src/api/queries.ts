import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { PackageManifest } from '../../../src/core/model-package.ts';
import type { Dataset, DatasetVersion, DatasetVersionSummary } from '../../../src/lifecycle/data/contract.ts';
import type { Evaluation } from '../../../src/lifecycle/evaluation/contract.ts';
import type { ArtifactEntry, Experiment, RunDetail } from '../../../src/lifecycle/experiments/contract.ts';
import type {
  Conflict,
  FeedbackSummary,
  LabelDelays,
  LabelQuery,
  LabelsByDay,
  LabelUpload,
  LogFacets,
  LogReading,
  Prediction,
  PredictionDetail,
  PredictionsPage,
  Replay,
  WaitingLabel,
} from '../../../src/lifecycle/feedback/contract.ts';
import type { AuditEntry, Erasure } from '../../../src/lifecycle/governance/contract.ts';
import type {
  Alert,
  Monitor,
  MonitorWindow,
  MonitorWindowSummary,
} from '../../../src/lifecycle/monitoring/contract.ts';
import type { StepRun } from '../../../src/lifecycle/pipelines/contract.ts';
import type { ModelVersion, RegisteredModel } from '../../../src/lifecycle/registry/contract.ts';
import type { BatchPrediction } from '../../../src/lifecycle/serving/batch/contract.ts';
import type { Endpoint, Replica, RouteVersion } from '../../../src/lifecycle/serving/contract.ts';
import type { EndpointKey } from '../../../src/lifecycle/serving/keys/contract.ts';
import type {
  EndpointRollout,
  Loop,
  LoopVersion,
  RolloutState,
  ShadowEvidence,
  Turn,
  TurnSummary,
} from '../../../src/loop/contract.ts';
import { get, type Page, type Query } from './client.ts';
import type { JournalEvent } from './live.ts';

/** One page of a list, for lists that a screen shows whole. */
function list<T>(key: string, path: string, query: Query = {}) {
  return queryOptions({
    queryKey: [key, 'list', path, query] as const,
    queryFn: ({ signal }) => get<Page<T>>(path, query, signal),
    placeholderData: keepPreviousData,
  });
}

/** So many a page, which is the most that the server gives. */
const LARGEST_PAGE = 1000;

/** All of a list, however many pages it has: for what is chosen from, searched or counted on the screen itself. */
function whole<T>(key: string, path: string, query: Query = {}) {
  return queryOptions({
    queryKey: [key, 'whole', path, query] as const,
    queryFn: async ({ signal }): Promise<Page<T>> => {
      const items: T[] = [];
      let after: string | undefined;
      do {
        const page = await get<Page<T>>(path, { ...query, limit: LARGEST_PAGE, after }, signal);
        items.push(...page.items);
        after = page.next ?? undefined;
      } while (after !== undefined);
      return { items, next: null };
    },
    placeholderData: keepPreviousData,
  });
}

function one<T>(key: string, path: string, query: Query = {}) {
  return queryOptions({
    queryKey: [key, 'one', path, query] as const,
    queryFn: ({ signal }) => get<T>(path, query, signal),
  });
}

/** A list that grows as the reader scrolls. */
function pages<T, P extends Page<T> = Page<T>>(key: string, path: string, query: Query) {
  return infiniteQueryOptions({
    queryKey: [key, 'pages', path, query] as const,
    queryFn: ({ pageParam, signal }) => get<P>(path, { ...query, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: P) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
}

const part = encodeURIComponent;

export const loopsQuery = () => whole<Loop>('loops', '/loops');
export const loopQuery = (name: string) => one<Loop>('loops', `/loops/${part(name)}`);
export const loopVersionsQuery = (name: string) =>
  list<LoopVersion>('loops', `/loops/${part(name)}/versions`);
export const turnsQuery = (loop?: string, limit = 100) =>
  list<TurnSummary>('turns', '/turns', { loop, limit });
export const turnQuery = (id: string) => one<Turn>('turns', `/turns/${part(id)}`);

/** What the engine saw each time it looked at a turn's rollout, oldest first. */
export const turnLooksQuery = (loop: string, number: number) =>
  list<JournalEvent>('turns', '/events', {
    subjectKind: 'turn',
    subjectId: `${loop}/${number}`,
    limit: 1000,
  });

export const endpointRolloutsQuery = (endpoint: string) =>
  list<EndpointRollout>('rollouts', `/endpoints/${part(endpoint)}/rollouts`, { limit: 20 });

export const endpointRolloutQuery = (endpoint: string, id: string) =>
  one<EndpointRollout>('rollouts', `/endpoints/${part(endpoint)}/rollouts/${part(id)}`);
/** By what rollouts are narrowed. */
export type RolloutFilter = { readonly endpoint?: string; readonly model?: string; readonly text?: string };

/** Rollouts that have not ended, of people and of loops. */
export const openRolloutsQuery = (filter: RolloutFilter = {}) =>
  whole<EndpointRollout>('rollouts', '/rollouts', { ...filter, state: 'open' });
/** Rollouts in a state, of people and of loops, newest first. */
export const rolloutsQuery = (state: RolloutState | 'open' | 'all', filter: RolloutFilter = {}) =>
  pages<EndpointRollout>('rollouts', '/rollouts', { ...filter, state, limit: 50 });

/** What the version that listens says beside the champion. */
export const shadowEvidenceQuery = (endpoint: string, metric?: string, segment?: string) =>
  one<ShadowEvidence>('rollouts', `/endpoints/${part(endpoint)}/shadow`, { metric, segment });

/** How far an endpoint's log has been read for those who wait. */
export const logReadingQuery = (endpoint: string) =>
  one<LogReading>('log-readings', '/log-readings', { endpoint });

/** What is open or acknowledged, of all endpoints. */
export const unresolvedAlertsQuery = () => whole<Alert>('alerts', '/alerts', { state: 'unresolved' });
/** The newest, in whatever state. */
export const alertsQuery = (endpoint?: string) => list<Alert>('alerts', '/alerts', { endpoint, limit: 200 });
export const windowsQuery = (endpoint: string, modelVersion?: string) =>
  list<MonitorWindowSummary>('windows', '/windows', { endpoint, modelVersion, limit: 1000 });
/** The newest windows of an endpoint, for a line in a list of many. */
export const newestWindowsQuery = (endpoint: string) =>
  list<MonitorWindowSummary>('windows', '/windows', { endpoint, limit: 60 });
/** How endpoints are watched; one that is not among them has no windows. */
export const monitorsQuery = () => list<Monitor>('monitors', '/monitors');
export const windowQuery = (id: string) => one<MonitorWindow>('windows', `/windows/${part(id)}`);

export const experimentsQuery = () => whole<Experiment>('experiments', '/experiments');
export const runQuery = (id: string) => one<RunDetail>('runs', `/runs/${part(id)}`);
export const artifactsQuery = (runId: string, path: string) =>
  list<ArtifactEntry>('runs', `/runs/${part(runId)}/artifacts`, { path });

export const modelsQuery = () => whole<RegisteredModel>('registry', '/registered-models');
export const modelQuery = (name: string) =>
  one<RegisteredModel>('registry', `/registered-models/${part(name)}`);
export const versionsQuery = (name: string) =>
  whole<ModelVersion>('registry', `/registered-models/${part(name)}/versions`);
export const versionQuery = (name: string, version: string) =>
  one<ModelVersion>('registry', `/registered-models/${part(name)}/versions/${part(version)}`);
export const evaluationQuery = (id: string) => one<Evaluation>('evaluations', `/evaluations/${part(id)}`);

/** What was asked in the last five minutes goes by without an event. */
const LATELY = { refetchInterval: 15_000 } as const;
export const endpointsQuery = () => ({ ...whole<Endpoint>('endpoints', '/endpoints'), ...LATELY });
export const retiredEndpointsQuery = () => whole<Endpoint>('endpoints', '/endpoints', { life: 'retired' });
/** Those in service and those that were retired, whose logs can be read. */
export const allEndpointsQuery = () => ({
  ...whole<Endpoint>('endpoints', '/endpoints', { life: 'all' }),
  ...LATELY,
});
export const endpointQuery = (name: string) => ({
  ...one<Endpoint>('endpoints', `/endpoints/${part(name)}`),
  ...LATELY,
});
/** The newest changes of a route. */
export const routeVersionsQuery = (name: string, limit = 200) =>
  list<RouteVersion>('endpoints', `/endpoints/${part(name)}/route-versions`, { limit });
/** A model package's manifest; a blob never changes, so it is never fetched twice. */
export const packageQuery = (digest: string) => ({
  ...one<PackageManifest>('blobs', `/blobs/${digest}`),
  staleTime: Number.POSITIVE_INFINITY,
});
export const endpointKeysQuery = () => whole<EndpointKey>('endpoint-keys', '/endpoint-keys');
export const replicasQuery = () => whole<Replica>('replicas', '/replicas');

export const predictionsQuery = (query: Query) =>
  pages<Prediction, PredictionsPage>('predictions', '/predictions', query);
/** The newest answers of an endpoint, as one page. */
export const recentPredictionsQuery = (endpoint: string) =>
  list<Prediction>('predictions', '/predictions', { endpoint, limit: 200 });
export const predictionQuery = (endpoint: string, id: string) =>
  one<PredictionDetail>('predictions', `/predictions/${part(id)}`, { endpoint });
export const feedbackQuery = (endpoint: string) =>
  one<FeedbackSummary>('feedback', '/labels/summary', { endpoint });
export const labelDelaysQuery = (endpoint: string, feature?: string) =>
  one<LabelDelays>('feedback', '/labels/delays', { endpoint, feature });
export const labelsByDayQuery = (endpoint: string, days: number) =>
  one<LabelsByDay>('feedback', '/labels/by-day', { endpoint, days });
/** What a search of the log can be narrowed to. */
export const facetsQuery = (endpoint: string, from?: string, to?: string) =>
  one<LogFacets>('predictions', '/prediction-facets', { endpoint, from, to });
export const labelConflictsQuery = (endpoint: string) =>
  list<Conflict>('feedback', '/labels/conflicts', { endpoint });
export const waitingLabelsQuery = (endpoint: string) =>
  list<WaitingLabel>('feedback', '/labels/waiting', { endpoint });
export const labelUploadsQuery = (endpoint: string) =>
  pages<LabelUpload>('feedback', '/label-uploads', { endpoint });
export const labelQueriesQuery = () => list<LabelQuery>('feedback', '/label-queries');
export const batchesQuery = () => pages<BatchPrediction>('batches', '/batch-predictions', { limit: 100 });
export const batchQuery = (id: string) => one<BatchPrediction>('batches', `/batch-predictions/${part(id)}`);
export const replaysQuery = (endpoint: string) => whole<Replay>('replays', '/replays', { endpoint });
export const replayQuery = (id: string) => one<Replay>('replays', `/replays/${part(id)}`);

export const datasetsQuery = () => whole<Dataset>('datasets', '/datasets');
export const datasetVersionsQuery = (dataset: string) =>
  list<DatasetVersionSummary>('datasets', '/dataset-versions', { dataset, limit: 200 });
export const datasetVersionQuery = (id: string) =>
  one<DatasetVersion>('datasets', `/dataset-versions/${part(id)}`);

export const stepRunsQuery = (query: Query) => pages<StepRun>('step-runs', '/step-runs', query);
export const stepRunQuery = (id: string) => one<StepRun>('step-runs', `/step-runs/${part(id)}`);

export const auditQuery = (query: Query) => pages<AuditEntry>('audit', '/audit-entries', query);

export const erasuresQuery = () => pages<Erasure>('erasures', '/erasures', { limit: 100 });
export const erasureQuery = (id: string) => one<Erasure>('erasures', `/erasures/${part(id)}`);
