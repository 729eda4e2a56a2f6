import type { SettingName } from './settings.ts';

/** Settings that belong together, in the order in which help and docs/settings.md show them. */
export interface SettingGroup {
  readonly title: string;
  readonly settings: readonly SettingName[];
}

/** Every setting stands in one group. */
export const settingGroups: readonly SettingGroup[] = [
  {
    title: 'Addresses',
    settings: ['host', 'port', 'servePort', 'grpcPort', 'url', 'staticPrefix'],
  },
  {
    title: 'Data',
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
    settings: ['allowedHosts', 'corsAllowedOrigins', 'xFrameOptions', 'disableSecurityMiddleware'],
  },
  {
    title: 'Webhooks',
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
    settings: [
      'replica',
      'replicaAwayAfter',
      'serverName',
      'serveWorkers',
      'serveTlsCert',
      'serveTlsKey',
      'serveMetricsKey',
      'serveErrorDetail',
      'serveBodyLimit',
      'serveHeaderLimit',
      'serveHeadersTimeout',
      'serveRequestTimeout',
      'serveMaxConnections',
    ],
  },
  {
    title: 'Serve without control',
    settings: ['repository', 'repositoryPoll', 'repositoryExplicit', 'repositoryLoad', 'serveKeys'],
  },
  {
    title: 'Prediction log',
    settings: ['durability', 'durabilityInterval', 'predictionLogDisk', 'predictionLogKeep', 'logHashKey'],
  },
  {
    title: 'Python and workers',
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
  { title: 'Logs', settings: ['logLevel', 'logFormat'] },
];
