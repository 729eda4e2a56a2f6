import { resolve } from 'node:path';
import { fail } from '../../core/errors.ts';
import { invalidParameter } from './validation.ts';

const decodeRounds = 10;
/** What fits an index of Postgres, and twice what S3 takes as a key. */
const longestPathBytes = 2048;

/**
 * Checks that a path stays inside the folder that it is joined with, in whatever encoding it tries to leave it,
 * and returns it as it is. Throws `tracking_invalid` with MLflow's text, `Invalid path`.
 */
export function safeArtifactPath(path: string): string {
  let decoded = path;
  for (let round = 0; round < decodeRounds; round++) {
    const next = decodeLeniently(decoded);
    if (next === decoded) break;
    decoded = next;
    if (round === decodeRounds - 1) throw invalidParameter('Invalid path');
  }
  const isAbsolute = decoded.startsWith('/') || /^[a-z]:/i.test(decoded) || /^file:/i.test(decoded);
  const leaves = decoded.split('/').some((part) => part === '..');
  if (isAbsolute || leaves || /[\\#\0]/.test(decoded)) throw invalidParameter('Invalid path');
  if (Buffer.byteLength(path) > longestPathBytes) {
    throw invalidParameter(`Invalid path: it is longer than ${longestPathBytes} bytes`);
  }
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

function decodeLeniently(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return Buffer.from(run.replaceAll('%', ''), 'hex').toString('latin1');
    }
  });
}

/** Joins an artifact root and parts of a path, as MLflow does: before the query of the root, if it has one. */
export function joinUri(root: string, ...parts: readonly string[]): string {
  const [, place = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(root) ?? [];
  return `${[place.replace(/\/+$/, ''), ...parts].join('/')}${rest}`;
}

/** A location as it is kept: a relative path of this machine becomes an absolute one, as MLflow's server does. */
export function absoluteLocation(location: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(location)) return location;
  return location.startsWith('/') ? location : resolve(location);
}

/**
 * The path in our artifact store that a URI names, not looked at yet: `mlflow-artifacts:/<path>`, with any server in
 * front of the path, or the address of the proxy itself. Undefined for every other URI.
 */
export function proxiedPath(uri: string): string | undefined {
  const match =
    /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/is.exec(uri) ??
    /^https?:\/\/[^?#]*?\/api\/2\.0\/mlflow-artifacts\/artifacts(?:\/+(.*))?$/is.exec(uri);
  return match ? (match[1] ?? '') : undefined;
}

/**
 * The folder in our artifact store of an artifact root that we keep. Throws `artifact_elsewhere` for every other
 * kind of root, `tracking_invalid` for a path that leaves the store.
 */
export function artifactFolder(uri: string): string {
  const path = proxiedPath(uri);
  if (path === undefined) throw fail('artifact_elsewhere', { uri });
  return safeArtifactPath(path);
}
