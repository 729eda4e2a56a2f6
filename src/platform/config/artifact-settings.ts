import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail } from '../../core/errors.ts';
import { flagOf, type Settings } from './settings.ts';

/** Artifacts that this server keeps itself and serves through its proxy. */
const proxied = 'mlflow-artifacts:/';
/** Where MLflow's server has clients on its machine put artifacts that it does not serve. */
const unserved = './mlruns';

/** The place named by a path, a `file:` or an `s3:` URI. */
export type StorageLocation =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

/** Where artifacts of new experiments go: a root to which the id of the experiment is appended. */
export function defaultArtifactRootOf(settings: Settings): string {
  return settings.artifactRoot ?? (settings.serveArtifacts ? proxied : resolve(unserved));
}

/**
 * Reads an absolute path, `file:///path` or `s3://bucket/prefix` (its slashes at both ends cut off);
 * undefined for every other text.
 */
export function storageLocation(text: string): StorageLocation | undefined {
  if (text.startsWith('/')) return { kind: 'directory', path: resolve(text) };
  if (/^file:\/(\/(localhost)?\/)?[^/]/i.test(text)) {
    return { kind: 'directory', path: resolve(fileURLToPath(text)) };
  }
  const s3 = /^s3:\/\/([a-z0-9][a-z0-9._-]*)(?:\/([^?#]*))?$/i.exec(text);
  return s3?.[1] ? { kind: 's3', bucket: s3[1], prefix: (s3[2] ?? '').replace(/^\/+|\/+$/g, '') } : undefined;
}

/** Refuses settings about artifacts that do not fit together. Throws `config_invalid`. */
export function checkArtifactSettings(settings: Settings): void {
  const { artifactRoot, artifactsDestination, serveArtifacts, artifactsOnly } = settings;
  const refuse = (field: string, problem: string) => fail('config_invalid', { field, problem });
  const serve = flagOf('serveArtifacts');
  const root = flagOf('artifactRoot');
  if (artifactRoot !== undefined) {
    const elsewhere = /^(mlflow-artifacts|https?):\/\/[^/]/i.test(artifactRoot);
    const here = !elsewhere && /^mlflow-artifacts:/i.test(artifactRoot);
    if (here && !serveArtifacts) {
      throw refuse(root, `"${artifactRoot}" is served by this server, which ${serve} forbids; name another`);
    }
    if (!here && !elsewhere && !storageLocation(artifactRoot)) {
      throw refuse(
        root,
        `"${artifactRoot}": must be mlflow-artifacts:/, a directory, file:// or s3://bucket`,
      );
    }
  }
  if (artifactsDestination !== undefined && !storageLocation(artifactsDestination)) {
    const problem = `"${artifactsDestination}": must be a directory, file:// or s3://bucket/prefix`;
    throw refuse(flagOf('artifactsDestination'), problem);
  }
  if (artifactsOnly && !serveArtifacts) throw refuse(flagOf('artifactsOnly'), `leaves nothing with ${serve}`);
}
