import type { SettingName } from './settings.ts';

/** Settings that belong together, in the order in which help and docs/settings.md show them. */
export interface SettingGroup {
  readonly title: string;
  /** Who reads them, but for those of `readElsewhere`. */
  readonly roles: readonly SettingRole[];
  readonly settings: readonly SettingName[];
}

/** The roles that read settings; `up` hands all of them on. */
export type SettingRole = 'control' | 'serve' | 'work';

const everyRole: readonly SettingRole[] = ['control', 'serve', 'work'];
/** Settings that others read than the rest of their group. */
const readElsewhere: Partial<Record<SettingName, readonly SettingRole[]>> = {
  host: ['control', 'serve'],
  servePort: ['serve'],
  grpcPort: ['serve'],
  url: ['serve', 'work'],
  data: everyRole,
  framesMemory: everyRole,
  replicaAwayAfter: ['control'],
  logHashKey: ['control', 'serve'],
  worker: ['work'],
};

/** Every setting stands in one group. */
export const settingGroups: readonly SettingGroup[] = [
  {
    title: 'Addresses',
    roles: ['control'],
    settings: ['host', 'port', 'servePort', 'grpcPort', 'url', 'staticPrefix'],
  },
  {
    title: 'Data',
    roles: ['control'],
    settings: [
      'data',
      'databaseUrl',
      'artifactsDestination',
      's3EndpointUrl',
      's3IgnoreTls',
      'blobCache',
      'purgeAfter',
      'framesMemory',
    ],
  },
  {
    title: 'MLflow’s clients',
    roles: ['control'],
    settings: [
      'artifactRoot',
      'serveArtifacts',
      'artifactsOnly',
      'truncateLongValues',
      'modelSourcePattern',
      'runLostAfter',
    ],
  },
  {
    title: 'Browsers',
    roles: ['control'],
    settings: ['allowedHosts', 'corsAllowedOrigins', 'xFrameOptions', 'disableSecurityMiddleware'],
  },
  {
    title: 'Webhooks',
    roles: ['control'],
    settings: [
      'webhookAllowedSchemes',
      'webhookAllowPrivateAddresses',
      'webhookTimeoutSeconds',
      'webhookMaxRetries',
      'webhookMaxWorkers',
      'webhookSecretKey',
    ],
  },
  {
    title: 'Serve',
    roles: ['serve'],
    settings: [
      'replica',
      'replicaAwayAfter',
      'serverName',
      'serveWorkers',
      'serveTlsCert',
      'serveTlsKey',
      'serveTlsClientCa',
      'serveMetricsKey',
      'serveErrorDetail',
      'serveBodyLimit',
      'serveBodiesLimit',
      'serveHeaderLimit',
      'serveHeadersTimeout',
      'serveRequestTimeout',
      'serveMaxConnections',
    ],
  },
  {
    title: 'Serve without control',
    roles: ['serve'],
    settings: ['repository', 'repositoryPoll', 'repositoryExplicit', 'repositoryLoad', 'serveKeys'],
  },
  {
    title: 'Prediction log',
    roles: ['serve'],
    settings: ['durability', 'durabilityInterval', 'predictionLogDisk', 'predictionLogKeep', 'logHashKey'],
  },
  {
    title: 'Python and workers',
    roles: ['serve', 'work'],
    settings: [
      'worker',
      'python',
      'pythonEnvironment',
      'pythonWheels',
      'pythonCache',
      'pythonWorkers',
      'pythonMemory',
      'pythonTimeout',
    ],
  },
  { title: 'Logs', roles: everyRole, settings: ['logLevel', 'logFormat'] },
];

/** The settings of a group that a role reads. */
export function settingsOfRole(role: SettingRole, group: SettingGroup): readonly SettingName[] {
  return group.settings.filter((name) => (readElsewhere[name] ?? group.roles).includes(role));
}
