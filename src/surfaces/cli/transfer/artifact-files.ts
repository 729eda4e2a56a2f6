import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { SourceFiles } from './transfer-source.ts';

/** Files in a folder of this machine; a folder that does not exist has none. */
export function folderFiles(folder: string): SourceFiles {
  return {
    async *list() {
      for await (const path of walk(folder, '')) yield path;
    },
    open: async (path) => createReadStream(join(folder, ...path.split('/'))),
  };
}

async function* walk(folder: string, below: string): AsyncGenerator<string> {
  let entries: Awaited<ReturnType<typeof names>>;
  try {
    entries = await names(join(folder, below));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && below === '') return;
    throw error;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(folder, path);
    else if (entry.isFile()) yield path;
  }
}

const names = (folder: string) => readdir(folder, { withFileTypes: true });

/**
 * The folder that an artifact URI means on this machine: `file:` URIs and plain paths. Undefined for all others.
 *
 * @param base what relative paths are relative to
 */
export function localFolder(uri: string, base: string): string | undefined {
  if (/^file:\/\//i.test(uri)) return fileURLToPath(uri.replace(/^file:\/\/localhost\//i, 'file:///'));
  if (/^file:/i.test(uri)) return resolve(base, decodeURIComponent(uri.slice('file:'.length)));
  if (/^[a-z][a-z0-9+.-]+:/i.test(uri)) return undefined;
  return resolve(base, uri);
}

/** The folder of a `mlflow-artifacts:` URI below the folder that the server keeps such artifacts in. */
export function proxiedFolder(uri: string, root: string): string | undefined {
  const path = proxiedPath(uri);
  if (path === undefined) return undefined;
  const folder = resolve(root, path);
  return folder === root || folder.startsWith(`${resolve(root)}${sep}`) ? folder : undefined;
}

/** The path in a `mlflow-artifacts:` URI; undefined for other URIs. */
export function proxiedPath(uri: string): string | undefined {
  return /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/i.exec(uri)?.[1]?.replace(/\/+$/, '');
}

/** Whether the environment says how to read S3. */
export function hasS3Credentials(env: Readonly<Record<string, string | undefined>>): boolean {
  return Boolean(env.AWS_ACCESS_KEY_ID || env.AWS_PROFILE || env.AWS_WEB_IDENTITY_TOKEN_FILE);
}

/** Files below an `s3://bucket/prefix`, read with the credentials of the environment. */
export async function s3Files(
  uri: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SourceFiles | null> {
  const [, bucket, rest = ''] = /^s3:\/\/([^/]+)\/?(.*)$/i.exec(uri) ?? [];
  if (bucket === undefined || !hasS3Credentials(env)) return null;
  // Loaded here: few imports read S3.
  const { S3Client, ListObjectsV2Command, GetObjectCommand } = await import('@aws-sdk/client-s3');
  const endpoint = env.MLFLOW_S3_ENDPOINT_URL ?? env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  const client = new S3Client({
    region: env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? 'us-east-1',
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
  });
  const prefix = rest === '' ? '' : `${rest.replace(/\/+$/, '')}/`;
  return {
    async *list() {
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
        );
        for (const { Key: key = '' } of page.Contents ?? []) {
          if (!key.endsWith('/')) yield key.slice(prefix.length);
        }
        token = page.NextContinuationToken;
      } while (token !== undefined);
    },
    async open(path) {
      const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + path }));
      return object.Body as Readable;
    },
  };
}
