import { invalidParameter } from '../../lifecycle/experiments/index.ts';

/** Schemes whose address names a host that the server itself would have to call. */
const hostSchemes: ReadonlySet<string> = new Set([
  ...['ftp', 'sftp', 'hdfs', 'viewfs', 'http', 'https', 'mlflow-artifacts', 'r2', 'b2', 'abfss'],
]);
/** Schemes of which Python's urlparse splits `;params` off. */
const paramsSchemes: ReadonlySet<string> = new Set(['', 'ftp', 'http', 'https', 'sftp']);
const decodings = 10;

/** Checks where an experiment's artifacts are to lie, with MLflow's rules and texts. Throws `tracking_invalid`. */
export function checkLocation(location: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? '';
  const [beforeFragment = '', fragment] = location.split(/#(.*)/s, 2);
  const [path = '', query = ''] = beforeFragment.split(/\?(.*)/s, 2);
  if (fragment || (paramsSchemes.has(scheme) && /;[^/]+$/.test(path))) {
    throw invalidParameter("'artifact_location' URL can't include fragments or params.");
  }
  if (decoded(query).includes('..')) throw invalidParameter('Invalid query string');
  checkNamesNoHost(location, 'artifact_location');
  if (location.startsWith('runs:')) {
    throw invalidParameter(`Artifact location cannot be a runs:/ URI. Given: '${location}'`);
  }
}

/** Refuses an address that names a host which the server would have to call. Throws `tracking_invalid`. */
export function checkNamesNoHost(uri: string, field: string): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(uri)?.[1]?.toLowerCase() ?? '';
  const namesHost = scheme !== 'mlflow-artifacts' || /^[^:]+:\/\/[^/]/.test(uri);
  if (!hostSchemes.has(scheme) || !namesHost) return;
  throw invalidParameter(
    `'${field}' cannot use the '${scheme}' scheme: the '${scheme}' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment variable on the server to allow it.`,
  );
}

/** Text with all its percent encodings undone, however often they were made. */
function decoded(text: string): string {
  let current = text;
  for (let i = 0; i < decodings; i++) {
    const next = unquoted(current);
    if (next === current) return current;
    current = next;
  }
  return current;
}

function unquoted(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
