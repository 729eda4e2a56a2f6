import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { fail } from '../../../core/errors.ts';
import type { ByteRange, UploadedPart } from '../port.ts';

/** How to reach S3. Credentials and region come from where the AWS SDK looks for them. */
export interface S3Options {
  /** Another service than that of AWS; it is addressed by path (`<endpoint>/<bucket>/<key>`). */
  readonly endpointUrl?: string | undefined;
  readonly ignoreTls: boolean;
}

export interface S3Object {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAtMs: number;
}

/** AWS copies up to 5 GB in one request; parts are at least 5 MB and at most 10,000. */
const largestCopyBytes = 5_000_000_000;
/** Each request holds its bytes in memory, so that the SDK can send them again. */
const largestPutBytes = 8 * 1024 * 1024;
const partsAtOnce = 2;
const mostParts = 10_000;
/** AWS refuses requests to no region; a service given by its endpoint wants this one. */
const defaultRegion = 'us-east-1';
const maxAttempts = 5;

type Sdk = typeof import('@aws-sdk/client-s3');

/**
 * One bucket of S3, or of a service that speaks its language. The SDK is loaded with the first request: most
 * servers never need it. What the service refuses throws `s3_refused`, what may pass by itself `s3_failed`; what is
 * not there is undefined.
 */
export class Bucket {
  readonly name: string;
  readonly #options: S3Options;
  #loaded: Promise<{ readonly sdk: Sdk; readonly client: S3Client }> | undefined;

  constructor(name: string, options: S3Options) {
    this.name = name;
    this.#options = options;
  }

  async head(key: string): Promise<S3Object | undefined> {
    const { sdk, client } = await this.#load();
    const found = await this.#orUndefined(key, () => client.send(new sdk.HeadObjectCommand(this.#at(key))));
    return found && objectOf(key, found.ContentLength, found.ETag, found.LastModified);
  }

  async get(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const { sdk, client } = await this.#load();
    const part = range && { Range: `bytes=${range.start}-${range.end ?? ''}` };
    const found = await this.#orUndefined(key, () =>
      client.send(new sdk.GetObjectCommand({ ...this.#at(key), ...part })),
    );
    return found?.Body as Readable | undefined;
  }

  /** Stores a file of this machine. The object is seen whole or not at all. */
  async putFile(key: string, path: string, sizeBytes: number, sha256Base64?: string): Promise<void> {
    const { sdk, client } = await this.#load();
    await this.#named(key, async () => {
      if (sizeBytes <= largestPutBytes) {
        const checksum = sha256Base64 && { ChecksumSHA256: sha256Base64 };
        const input = { ...this.#at(key), Body: await readFile(path), ...checksum };
        await client.send(new sdk.PutObjectCommand(input));
        return;
      }
      const { Upload } = await import('@aws-sdk/lib-storage');
      const partSize = Math.max(largestPutBytes, Math.ceil(sizeBytes / mostParts));
      const params = { ...this.#at(key), Body: createReadStream(path, { highWaterMark: 1024 * 1024 }) };
      await new Upload({ client, params, partSize, queueSize: partsAtOnce }).done();
    });
  }

  /** Copies within the bucket, in parts where one request is not enough. */
  async copy(from: string, to: string, sizeBytes: number): Promise<void> {
    const { sdk, client } = await this.#load();
    const CopySource = `${this.name}/${from.split('/').map(encodeURIComponent).join('/')}`;
    await this.#named(to, async () => {
      if (sizeBytes <= largestCopyBytes) {
        await client.send(new sdk.CopyObjectCommand({ ...this.#at(to), CopySource }));
        return;
      }
      const UploadId = await this.createUpload(to);
      const partBytes = Math.max(1_000_000_000, Math.ceil(sizeBytes / mostParts));
      const parts: UploadedPart[] = [];
      for (let start = 0; start < sizeBytes; start += partBytes) {
        const PartNumber = parts.length + 1;
        const CopySourceRange = `bytes=${start}-${Math.min(start + partBytes, sizeBytes) - 1}`;
        const input = { ...this.#at(to), UploadId, PartNumber, CopySource, CopySourceRange };
        const copied = await client.send(new sdk.UploadPartCopyCommand(input));
        parts.push({ partNumber: PartNumber, etag: copied.CopyPartResult?.ETag ?? '' });
      }
      await this.completeUpload(to, UploadId, parts);
    });
  }

  async delete(key: string): Promise<void> {
    const { sdk, client } = await this.#load();
    await this.#named(key, () => client.send(new sdk.DeleteObjectCommand(this.#at(key))));
  }

  /** Objects whose key begins with a prefix, in key order. */
  async *objects(prefix: string): AsyncIterable<S3Object> {
    for await (const page of this.#pages(prefix)) yield* page.objects;
  }

  /** What lies directly below a prefix that ends with `/` (or is empty): objects, and prefixes of deeper ones. */
  async folder(
    prefix: string,
  ): Promise<{ readonly objects: readonly S3Object[]; readonly prefixes: readonly string[] }> {
    const objects: S3Object[] = [];
    const prefixes: string[] = [];
    for await (const page of this.#pages(prefix, '/')) {
      objects.push(...page.objects);
      prefixes.push(...page.prefixes);
    }
    return { objects, prefixes };
  }

  async createUpload(key: string): Promise<string> {
    const { sdk, client } = await this.#load();
    const made = await this.#named(key, () =>
      client.send(new sdk.CreateMultipartUploadCommand(this.#at(key))),
    );
    return made.UploadId ?? '';
  }

  /** Puts the parts together; undefined when there is no such upload (any more). Throws `upload_invalid`. */
  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
  ): Promise<true | undefined> {
    const { sdk, client } = await this.#load();
    const Parts = [...parts]
      .sort((a, b) => a.partNumber - b.partNumber)
      .map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }));
    const input = { ...this.#at(key), UploadId: uploadId, MultipartUpload: { Parts } };
    try {
      await client.send(new sdk.CompleteMultipartUploadCommand(input));
      return true;
    } catch (error) {
      const { name, message, $metadata } = error as ServiceError;
      if (name === 'NoSuchUpload') return undefined;
      if ($metadata?.httpStatusCode === 400) throw fail('upload_invalid', { problem: message }, error);
      throw this.#failed(key, error);
    }
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    const { sdk, client } = await this.#load();
    const input = { ...this.#at(key), UploadId: uploadId };
    await this.#orUndefined(key, () => client.send(new sdk.AbortMultipartUploadCommand(input)));
  }

  /** The URL to which whoever has it may put one part of an upload. */
  async partUrl(key: string, uploadId: string, partNumber: number, expiresIn: number): Promise<string> {
    const { sdk, client } = await this.#load();
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
    const input = { ...this.#at(key), UploadId: uploadId, PartNumber: partNumber };
    return getSignedUrl(client, new sdk.UploadPartCommand(input), { expiresIn });
  }

  /** The URL from which whoever has it may download an object under a file name. */
  async downloadUrl(key: string, fileName: string, expiresIn: number): Promise<string> {
    const { sdk, client } = await this.#load();
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
    const ResponseContentDisposition = `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`;
    const input = { ...this.#at(key), ResponseContentDisposition };
    return getSignedUrl(client, new sdk.GetObjectCommand(input), { expiresIn });
  }

  /** The URL to which whoever has it may put an object of this type (the header goes with the request). */
  async uploadUrl(key: string, contentType: string, expiresIn: number): Promise<string> {
    const { sdk, client } = await this.#load();
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
    const command = new sdk.PutObjectCommand({ ...this.#at(key), ContentType: contentType });
    return getSignedUrl(client, command, { expiresIn, signableHeaders: new Set(['content-type']) });
  }

  async *#pages(prefix: string, delimiter?: string) {
    const { sdk, client } = await this.#load();
    let token: string | undefined;
    do {
      const input = {
        Bucket: this.name,
        Prefix: prefix,
        ...(delimiter && { Delimiter: delimiter }),
        ...(token && { ContinuationToken: token }),
      };
      const page = await this.#named(prefix, () => client.send(new sdk.ListObjectsV2Command(input)));
      yield {
        objects: (page.Contents ?? []).map((o) => objectOf(o.Key ?? '', o.Size, o.ETag, o.LastModified)),
        prefixes: (page.CommonPrefixes ?? []).map((p) => p.Prefix ?? ''),
      };
      token = page.NextContinuationToken;
    } while (token);
  }

  #at(key: string) {
    return { Bucket: this.name, Key: key };
  }

  #load() {
    this.#loaded ??= this.#open();
    return this.#loaded;
  }

  async #open() {
    const sdk = await import('@aws-sdk/client-s3');
    const { endpointUrl, ignoreTls } = this.#options;
    const insecure = async () => {
      const { Agent } = await import('node:https');
      return { requestHandler: { httpsAgent: new Agent({ rejectUnauthorized: false, keepAlive: true }) } };
    };
    // Else the SDK looks on: in the profile, at the machine.
    const { AWS_REGION, AWS_DEFAULT_REGION } = process.env;
    const region = AWS_REGION || AWS_DEFAULT_REGION || (endpointUrl && defaultRegion);
    const client = new sdk.S3Client({
      maxAttempts,
      ...(region && { region }),
      ...(endpointUrl && { endpoint: endpointUrl, forcePathStyle: true }),
      ...(ignoreTls && (await insecure())),
      // Services other than AWS refuse checksums that they do not know.
      ...(endpointUrl && {
        requestChecksumCalculation: 'WHEN_REQUIRED' as const,
        responseChecksumValidation: 'WHEN_REQUIRED' as const,
      }),
    });
    return { sdk, client };
  }

  async #named<T>(key: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.#failed(key, error);
    }
  }

  async #orUndefined<T>(key: string, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      const { name } = error as ServiceError;
      if (name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchUpload') return undefined;
      throw this.#failed(key, error);
    }
  }

  #failed(key: string, error: unknown) {
    const { name, message, $metadata } = error as ServiceError;
    const status = $metadata?.httpStatusCode ?? 0;
    const code = status >= 400 && status < 500 && status !== 429 ? 's3_refused' : 's3_failed';
    return fail(code, { uri: `s3://${this.name}/${key}`, problem: `${name}: ${message}` }, error);
  }
}

interface ServiceError {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

function objectOf(key: string, sizeBytes = 0, etag = '', modified?: Date): S3Object {
  return { key, sizeBytes, etag: etag.replaceAll('"', ''), modifiedAtMs: modified?.getTime() ?? 0 };
}
