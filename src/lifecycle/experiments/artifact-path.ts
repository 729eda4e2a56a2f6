import { fail } from '../../core/errors.ts';
import { invalidParameter } from './validation.ts';

const decodeRounds = 10;

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

/**
 * The folder in our artifact store of an artifact root `mlflow-artifacts:/<folder>`.
 * Throws `artifact_elsewhere` for every other kind of root.
 */
export function artifactFolder(uri: string): string {
  const match = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(uri);
  if (match?.[1] === undefined) throw fail('artifact_elsewhere', { uri });
  return safeArtifactPath(match[1]);
}
