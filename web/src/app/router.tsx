import {
  createRootRoute,
  createRoute,
  createRouter,
  parseSearchWith,
  stringifySearchWith,
} from '@tanstack/react-router';
import { pathPrefix } from '../api/prefix.ts';
import { datasetSearch } from '../screens/data/search.ts';
import { compareSearch, experimentsSearch, runSearch, runsSearch } from '../screens/experiments/search.ts';
import { predictionsSearch } from '../screens/feedback/search.ts';
import { auditSearch, erasuresSearch } from '../screens/governance/search.ts';
import { HomeScreen } from '../screens/home/home-screen.tsx';
import { turnSearch, turnsSearch } from '../screens/loop/search.ts';
import { monitoringSearch } from '../screens/monitoring/search.ts';
import { stepsSearch } from '../screens/pipelines/search.ts';
import { modelsSearch, versionsSearch, webhooksSearch } from '../screens/registry/search.ts';
import { batchesSearch, endpointSearch, endpointsSearch, rolloutsSearch } from '../screens/serving/search.ts';
import { lazyScreen } from './load-screen.ts';
import { NotFound } from './not-found.tsx';
import { ScreenFault } from './screen-fault.tsx';
import { Shell } from './shell.tsx';
import type { Crumb } from './top-bar.tsx';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    crumbs?: (params: Record<string, string>) => readonly Crumb[];
  }
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });
const getParentRoute = () => root;
const loopCrumb: Crumb = { label: 'Loop', to: '/' };

const home = createRoute({
  getParentRoute,
  path: '/',
  component: HomeScreen,
  staticData: { crumbs: () => [{ label: 'Loop' }] },
});

const loop = createRoute({
  getParentRoute,
  path: '/loops/$loop',
  component: lazyScreen(() => import('../screens/loop/loop-screen.tsx'), 'LoopScreen'),
  staticData: { crumbs: (params) => [loopCrumb, { label: params.loop ?? '' }] },
});
const turns = createRoute({
  getParentRoute,
  path: '/turns',
  validateSearch: turnsSearch,
  component: lazyScreen(() => import('../screens/loop/turns-screen.tsx'), 'TurnsScreen'),
  staticData: { crumbs: () => [{ label: 'Turns' }] },
});
const turn = createRoute({
  getParentRoute,
  path: '/turns/$turnId',
  validateSearch: turnSearch,
  component: lazyScreen(() => import('../screens/loop/turn-screen.tsx'), 'TurnScreen'),
  staticData: {
    crumbs: (params) => [
      { label: 'Turns', to: '/turns' },
      { label: 'Turn', turnId: params.turnId ?? '' },
    ],
  },
});
const runs = createRoute({
  getParentRoute,
  path: '/runs',
  validateSearch: runsSearch,
  component: lazyScreen(() => import('../screens/experiments/runs/runs-screen.tsx'), 'RunsScreen'),
  staticData: { crumbs: () => [{ label: 'Runs' }] },
});
const run = createRoute({
  getParentRoute,
  path: '/runs/$runId',
  validateSearch: runSearch,
  component: lazyScreen(() => import('../screens/experiments/run/run-screen.tsx'), 'RunScreen'),
  staticData: {
    crumbs: (params) => [{ label: 'Runs', to: '/runs' }, { label: (params.runId ?? '').slice(0, 8) }],
  },
});
const compare = createRoute({
  getParentRoute,
  path: '/compare',
  validateSearch: compareSearch,
  component: lazyScreen(() => import('../screens/experiments/compare/compare-screen.tsx'), 'CompareScreen'),
  staticData: { crumbs: () => [{ label: 'Runs', to: '/runs' }, { label: 'Compare' }] },
});
const experiments = createRoute({
  getParentRoute,
  path: '/experiments',
  validateSearch: experimentsSearch,
  component: lazyScreen(
    () => import('../screens/experiments/list/experiments-screen.tsx'),
    'ExperimentsScreen',
  ),
  staticData: { crumbs: () => [{ label: 'Experiments' }] },
});
const datasets = createRoute({
  getParentRoute,
  path: '/datasets',
  validateSearch: datasetSearch,
  component: lazyScreen(() => import('../screens/data/datasets-screen.tsx'), 'DatasetsScreen'),
  staticData: { crumbs: () => [{ label: 'Datasets' }] },
});
const models = createRoute({
  getParentRoute,
  path: '/models',
  validateSearch: modelsSearch,
  component: lazyScreen(() => import('../screens/registry/models-screen.tsx'), 'ModelsScreen'),
  staticData: { crumbs: () => [{ label: 'Models' }] },
});
const model = createRoute({
  getParentRoute,
  path: '/models/$model',
  component: lazyScreen(() => import('../screens/registry/model-screen.tsx'), 'ModelScreen'),
  staticData: {
    crumbs: (params) => [{ label: 'Models', to: '/models' }, { label: params.model ?? '' }],
  },
});
const compareVersions = createRoute({
  getParentRoute,
  path: '/models/$model/compare',
  validateSearch: versionsSearch,
  component: lazyScreen(() => import('../screens/registry/compare-screen.tsx'), 'CompareVersionsScreen'),
  staticData: {
    crumbs: (params) => [
      { label: 'Models', to: '/models' },
      { label: params.model ?? '', to: `/models/${encodeURIComponent(params.model ?? '')}` },
      { label: 'Compare' },
    ],
  },
});
const version = createRoute({
  getParentRoute,
  path: '/models/$model/versions/$version',
  component: lazyScreen(() => import('../screens/registry/version-screen.tsx'), 'VersionScreen'),
  staticData: {
    crumbs: (params) => [
      { label: 'Models', to: '/models' },
      { label: params.model ?? '', to: `/models/${encodeURIComponent(params.model ?? '')}` },
      { label: `v${params.version}` },
    ],
  },
});
const webhooks = createRoute({
  getParentRoute,
  path: '/webhooks',
  validateSearch: webhooksSearch,
  component: lazyScreen(() => import('../screens/registry/webhooks-screen.tsx'), 'WebhooksScreen'),
  staticData: { crumbs: () => [{ label: 'Webhooks' }] },
});
const endpoints = createRoute({
  getParentRoute,
  path: '/endpoints',
  validateSearch: endpointsSearch,
  component: lazyScreen(() => import('../screens/serving/endpoints-screen.tsx'), 'EndpointsScreen'),
  staticData: { crumbs: () => [{ label: 'Deployment' }] },
});
const endpoint = createRoute({
  getParentRoute,
  path: '/endpoints/$endpoint',
  validateSearch: endpointSearch,
  component: lazyScreen(() => import('../screens/serving/endpoint-screen.tsx'), 'EndpointScreen'),
  staticData: {
    crumbs: (params) => [{ label: 'Deployment', to: '/endpoints' }, { label: params.endpoint ?? '' }],
  },
});
const rollouts = createRoute({
  getParentRoute,
  path: '/rollouts',
  validateSearch: rolloutsSearch,
  component: lazyScreen(
    () => import('../screens/serving/rollouts/list/rollouts-screen.tsx'),
    'RolloutsScreen',
  ),
  staticData: { crumbs: () => [{ label: 'Rollouts' }] },
});
const batches = createRoute({
  getParentRoute,
  path: '/batches',
  validateSearch: batchesSearch,
  component: lazyScreen(() => import('../screens/serving/batches/batches-screen.tsx'), 'BatchesScreen'),
  staticData: { crumbs: () => [{ label: 'Batches' }] },
});
const predictions = createRoute({
  getParentRoute,
  path: '/predictions',
  validateSearch: predictionsSearch,
  component: lazyScreen(() => import('../screens/feedback/predictions-screen.tsx'), 'PredictionsScreen'),
  staticData: { crumbs: () => [{ label: 'Predictions' }] },
});
const monitoring = createRoute({
  getParentRoute,
  path: '/monitoring',
  validateSearch: monitoringSearch,
  component: lazyScreen(() => import('../screens/monitoring/monitoring-screen.tsx'), 'MonitoringScreen'),
  staticData: { crumbs: () => [{ label: 'Monitoring' }] },
});
const steps = createRoute({
  getParentRoute,
  path: '/steps',
  validateSearch: stepsSearch,
  component: lazyScreen(() => import('../screens/pipelines/steps-screen.tsx'), 'StepsScreen'),
  staticData: { crumbs: () => [{ label: 'Steps' }] },
});
const erasures = createRoute({
  getParentRoute,
  path: '/erasures',
  validateSearch: erasuresSearch,
  component: lazyScreen(() => import('../screens/governance/erasures-screen.tsx'), 'ErasuresScreen'),
  staticData: { crumbs: () => [{ label: 'Erasures' }] },
});
const audit = createRoute({
  getParentRoute,
  path: '/audit',
  validateSearch: auditSearch,
  component: lazyScreen(() => import('../screens/governance/audit-screen.tsx'), 'AuditScreen'),
  staticData: { crumbs: () => [{ label: 'Audit' }] },
});

/** The whole address space of the interface. Each view is its URL. */
export function createAppRouter() {
  return createRouter({
    basepath: pathPrefix || '/',
    routeTree: root.addChildren([
      home,
      loop,
      turns,
      turn,
      runs,
      run,
      compare,
      experiments,
      datasets,
      models,
      model,
      compareVersions,
      version,
      webhooks,
      endpoints,
      endpoint,
      rollouts,
      batches,
      predictions,
      monitoring,
      steps,
      erasures,
      audit,
    ]),
    // Every view param is plain text, so that addresses read as people would write them.
    // What a screen does not know in its address it is not given: a wrong value is as good as none.
    search: { strict: true },
    parseSearch: parseSearchWith((value) => value),
    stringifySearch: stringifySearchWith(String),
    defaultErrorComponent: ScreenFault,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}
