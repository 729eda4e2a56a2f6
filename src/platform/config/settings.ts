import { z } from 'zod';
import { parseDuration } from '../../core/time.ts';
import { isPattern } from './pattern.ts';

const port = z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65535);
const truthy = ['true', '1', 'yes', 'on', 't', 'y'];
const falsy = ['false', '0', 'no', 'off', 'f', 'n'];
const flag = z.union([z.boolean(), z.stringbool({ truthy, falsy })], { error: 'must be true or false' });
const list = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
]);
const duration = z
  .string()
  .regex(/^(0|(\d+(\.\d+)?(ms|s|m|h|d|w))+)$/, 'must be a duration such as 15m or 30d, or 0 for never');
const memory = z.string().regex(/^\d+(\.\d+)?(MB|GB)$/, 'must be a size such as 512MB or 2GB');

/**
 * Every setting: name in a config file, as a flag (`--serve-port`) and as an environment variable
 * (`MILLRACE_SERVE_PORT`). The flag wins over the environment, the environment over the file.
 */
export const settingsSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('address that control and serve listen on'),
  port: port.default(7600).describe('port of control'),
  servePort: port.default(7601).describe('port of serve'),
  grpcPort: port.optional().describe('port of gRPC at serve (7602 say, 0: any free one); no gRPC unless set'),
  data: z.string().min(1).default('./.millrace').describe('data directory'),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .optional()
    .describe('Postgres instead of SQLite in the data directory'),
  artifactRoot: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where clients put artifacts of new experiments: mlflow-artifacts:/ (this server; standard), a directory, file:// or s3://bucket/prefix',
    ),
  artifactsDestination: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where this server keeps proxied artifacts and all blobs: a directory, file:// or s3://bucket/prefix; <data>/blobs unless set',
    ),
  serveArtifacts: flag.default(true).describe('do not take and give artifacts for clients'),
  artifactsOnly: flag.default(false).describe('nothing but the artifact proxy'),
  s3EndpointUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http:// URL' })
    .optional()
    .describe('an S3 service other than that of AWS'),
  s3IgnoreTls: flag.default(false).describe('do not check the certificate of the S3 service'),
  blobCache: memory
    .default('10GB')
    .describe('how much blobs of S3 that are read as files may take in the data directory'),
  staticPrefix: z
    .string()
    .refine((prefix) => prefix === '' || prefix.startsWith('/'), 'must begin with a /')
    .refine((prefix) => !prefix.endsWith('/'), 'must not end with a /')
    .refine((prefix) => !/[{}?#%\s]/.test(prefix), 'must not hold { } ? # % or blanks')
    .default('')
    .describe('path in front of every address of control, as /millrace'),
  allowedHosts: list
    .optional()
    .describe(
      'Host headers that are answered, with * wildcards; this machine and private addresses unless set',
    ),
  corsAllowedOrigins: list
    .optional()
    .describe('web origins that may write, with * wildcards; those of this machine unless set'),
  xFrameOptions: z
    .string()
    .transform((text) => text.toUpperCase())
    .pipe(z.enum(['SAMEORIGIN', 'DENY', 'NONE'], { error: 'must be SAMEORIGIN, DENY or NONE' }))
    .default('SAMEORIGIN')
    .describe('who may show pages of control in a frame'),
  disableSecurityMiddleware: flag.default(false).describe('DANGEROUS: check neither Host nor Origin headers'),
  webhookSecretKey: z
    .string()
    .min(1)
    .optional()
    .describe(
      'key that addresses and secrets of webhooks, passwords of other servers and addresses of databases are encrypted with, a Fernet key; one in the data directory unless set',
    ),
  webhookTimeoutSeconds: z.coerce
    .number({ error: 'must be a number of seconds' })
    .min(1)
    .max(600)
    .default(30)
    .describe('how long a webhook may take to answer'),
  webhookMaxRetries: z.coerce
    .number({ error: 'must be a number' })
    .int()
    .min(0)
    .max(100)
    .default(8)
    .describe('how often a delivery to a webhook is tried again, with growing pauses, before it is given up'),
  webhookMaxWorkers: z.coerce
    .number({ error: 'must be a number' })
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('deliveries to webhooks at the same time'),
  webhookAllowedSchemes: list
    .transform((schemes) => schemes.map((scheme) => scheme.toLowerCase()))
    .default(['https'])
    .describe('schemes that addresses of webhooks may have'),
  webhookAllowPrivateAddresses: flag
    .default(false)
    .describe('webhooks may also be on this machine and in private networks'),
  truncateLongValues: flag
    .default(true)
    .describe('refuse params and tags of runs and traces that are too long, instead of cutting them'),
  modelSourcePattern: z
    .string()
    .min(1)
    .refine(isPattern, 'must be a regular expression')
    .optional()
    .describe('what sources of model versions that clients register must hold, a regular expression'),
  url: z
    .url({ protocol: /^https?$/, error: 'must be an http:// URL' })
    .optional()
    .describe('where control is, for serve, work and the command line; up starts its own'),
  worker: z
    .string()
    .regex(/^[\w.-]+$/, 'may hold letters, digits, _ . -')
    .default('local')
    .describe('name of this worker'),
  replica: z
    .string()
    .regex(/^[\w.-]+$/, 'may hold letters, digits, _ . -')
    .optional()
    .describe(
      'name of this replica; that of the machine and some letters, kept in the data directory, unless set',
    ),
  repository: z
    .string()
    .min(1)
    .optional()
    .describe(
      "folder of models in Triton's layout (<model>/<version>/model.onnx, config.pbtxt) that serve serves without control",
    ),
  repositoryPoll: z.coerce
    .number({ error: 'must be a number of seconds' })
    .min(0)
    .max(86_400)
    .default(5)
    .describe('seconds between looks at the repository for new, changed and removed models; 0: none'),
  repositoryExplicit: flag
    .default(false)
    .describe(
      'models of the repository are loaded by request alone, but for those that --repository-load names',
    ),
  repositoryLoad: list
    .default([])
    .describe('models to load at the start where the others are loaded by request, with commas between'),
  serveKeys: z
    .string()
    .min(1)
    .optional()
    .describe(
      'file of keys that open the models of a repository (millrace keys create … --file); with it they ask for one',
    ),
  serveMetricsKey: flag
    .default(false)
    .describe('/metrics of serve, which name all endpoints, ask for a key that opens all of them'),
  durability: z
    .enum(['fsync', 'interval'], { error: 'must be fsync or interval' })
    .default('interval')
    .describe(
      'when a prediction is answered: when its row is on the disk (fsync), or when the operating system has it and the disk within --durability-interval (interval: power loss may take that much)',
    ),
  durabilityInterval: duration
    .default('200ms')
    .describe('how much of the prediction log power loss may take with --durability=interval'),
  predictionLogDisk: memory
    .optional()
    .describe(
      'how much of the disk the prediction log may take while control is away; beyond it predictions are refused rather than lost; unbounded unless set',
    ),
  logHashKey: z
    .string()
    .min(16)
    .optional()
    .describe(
      'key that fields of the prediction log are hashed with; the same for control and all replicas; one in the data directory unless set',
    ),
  predictionLogKeep: memory
    .default('1GB')
    .describe('how much of the prediction log a serve without control keeps, the newest of it'),
  serverName: z
    .string()
    .min(1)
    .max(100)
    .default('millrace')
    .describe("name that serve gives itself in its metadata; programs written for Triton may want 'triton'"),
  serveWorkers: z.coerce
    .number({ error: 'must be a number' })
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('processes that answer predictions on the same port'),
  serveErrorDetail: flag
    .default(false)
    .describe('whether errors of serve quote values of requests and list the inputs of models'),
  serveBodyLimit: memory.default('64MB').describe('largest body of a request to serve'),
  serveBodiesLimit: memory
    .default('512MB')
    .describe('bodies of more than 256 kB that a serve process has under way, all together'),
  serveHeaderLimit: z.coerce
    .number({ error: 'must be a number of bytes' })
    .int()
    .min(1024)
    .max(1024 * 1024)
    .default(16 * 1024)
    .describe('bytes that the headers of a request to serve may have together'),
  serveHeadersTimeout: duration
    .default('10s')
    .describe('until when the headers of a request to serve have to be there; 0: for ever'),
  serveRequestTimeout: duration
    .default('2m')
    .describe('until when a whole request to serve has to be there; 0: for ever'),
  serveMaxConnections: z.coerce
    .number({ error: 'must be a number' })
    .int()
    .min(0)
    .default(0)
    .describe('open connections to a serve process, more are closed at once; 0: any number'),
  serveTlsCert: z
    .string()
    .min(1)
    .optional()
    .describe('certificate of serve with its chain, a PEM file; with it serve speaks TLS alone'),
  serveTlsKey: z.string().min(1).optional().describe('private key of that certificate, a PEM file'),
  serveTlsClientCa: z
    .string()
    .min(1)
    .optional()
    .describe('who signs certificates of callers, a PEM file; with it serve answers nobody without one'),
  python: z.string().min(1).optional().describe('Python that runs training scripts'),
  pythonEnvironment: z
    .enum(['auto', 'given', 'own'], { error: 'must be auto, given or own' })
    .default('auto')
    .describe(
      'Python of models that run as Python: the one that is set where it meets their requirements and else one that is built for them (auto), the one that is set as it is (given), always one that is built (own)',
    ),
  pythonWheels: z
    .string()
    .min(1)
    .optional()
    .describe('directory of wheels that environments of models are built from, instead of an index'),
  pythonCache: memory.default('20GB').describe('how much environments of models may take on the disk'),
  pythonWorkers: z.coerce
    .number({ error: 'must be a number' })
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('worker processes for each model that runs as Python'),
  pythonMemory: memory.default('2GB').describe('memory of one worker process of Python'),
  pythonTimeout: duration
    .refine((text) => text === '0' || parseDuration(text) <= 24 * 3_600_000, 'must be 24h at most; 0 is that')
    .default('30s')
    .describe('how long a worker of Python may take for one batch; 0: 24h'),
  runLostAfter: duration
    .default('15m')
    .describe('how long a running run may write nothing before it counts as lost; 0: for ever'),
  replicaAwayAfter: duration
    .default('1m')
    .describe('how long a replica that nobody stopped may be gone before an alert says so'),
  purgeAfter: duration
    .default('30d')
    .describe(
      'how long deleted runs and experiments are kept before they go for good; 0: until somebody asks',
    ),
  framesMemory: memory
    .default('1GB')
    .describe('memory limit of the frame engine; at most a quarter of what the container allows'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  logFormat: z
    .enum(['auto', 'json', 'text'])
    .default('auto')
    .describe('text on a terminal, else JSON, unless set'),
});
export type Settings = Readonly<z.output<typeof settingsSchema>>;
export type SettingName = keyof Settings;

export const settingNames = Object.keys(settingsSchema.shape) as readonly SettingName[];

/** What a setting is unless somebody sets it; undefined where nothing is. */
export function standardOf(name: SettingName): unknown {
  return settingsSchema.shape[name].safeParse(undefined).data;
}

/** Settings that are on or off, with their standard: as flags they take no value. */
export const switches: ReadonlyMap<string, boolean> = new Map(
  settingNames.flatMap((name) => {
    const standard = standardOf(name);
    return typeof standard === 'boolean' ? [[name, standard] as const] : [];
  }),
);

/** Variables of MLflow's server that count where neither flag, variable nor file of ours says anything. */
export const fallbackVariables: Readonly<Partial<Record<SettingName, readonly string[]>>> = {
  artifactRoot: ['MLFLOW_DEFAULT_ARTIFACT_ROOT'],
  artifactsDestination: ['MLFLOW_ARTIFACTS_DESTINATION'],
  serveArtifacts: ['MLFLOW_SERVE_ARTIFACTS'],
  artifactsOnly: ['MLFLOW_ARTIFACTS_ONLY'],
  s3EndpointUrl: ['MLFLOW_S3_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  s3IgnoreTls: ['MLFLOW_S3_IGNORE_TLS'],
  staticPrefix: ['MLFLOW_STATIC_PREFIX'],
  allowedHosts: ['MLFLOW_SERVER_ALLOWED_HOSTS'],
  corsAllowedOrigins: ['MLFLOW_SERVER_CORS_ALLOWED_ORIGINS'],
  xFrameOptions: ['MLFLOW_SERVER_X_FRAME_OPTIONS'],
  disableSecurityMiddleware: ['MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE'],
  webhookSecretKey: ['MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY'],
  webhookTimeoutSeconds: ['MLFLOW_WEBHOOK_REQUEST_TIMEOUT'],
  webhookMaxRetries: ['MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES'],
  webhookMaxWorkers: ['MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS'],
  webhookAllowedSchemes: ['MLFLOW_WEBHOOK_ALLOWED_SCHEMES'],
  webhookAllowPrivateAddresses: ['MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS'],
  truncateLongValues: ['MLFLOW_TRUNCATE_LONG_VALUES'],
  modelSourcePattern: ['MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX'],
};

/** A duration setting in milliseconds; 0 for never. */
export function durationMsOf(duration: string): number {
  return duration === '0' ? 0 : parseDuration(duration);
}

/** A size such as `512MB` or `1.5GB` in bytes (of 1024³ a GB). */
export function bytesOf(size: string): number {
  return Math.floor(Number.parseFloat(size) * (size.endsWith('GB') ? 1024 ** 3 : 1024 ** 2));
}

/** `servePort` as a flag: `--serve-port`; what is on by itself as the flag that turns it off: `--no-serve-artifacts`. */
export function flagOf(name: SettingName): string {
  const words = name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
  return switches.get(name) === true ? `--no-${words}` : `--${words}`;
}

/** `servePort` in the environment: `MILLRACE_SERVE_PORT`. */
export function variableOf(name: SettingName): string {
  return `MILLRACE_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;
}
