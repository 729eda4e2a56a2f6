import { Bucket, type DirectoryBlobStore, openDirectoryBlobs, openS3Blobs } from '../platform/blobs/index.ts';
import { bytesOf, type DataDirectory, type Settings, storageLocation } from '../platform/config/index.ts';

/** Opens the blob store that the settings name. Nothing is asked of S3 before the first request needs it. */
export async function openBlobs(settings: Settings, directory: DataDirectory): Promise<DirectoryBlobStore> {
  const location = storageLocation(settings.artifactsDestination ?? directory.blobs);
  if (location?.kind !== 's3') return openDirectoryBlobs(location?.path ?? directory.blobs);
  return openS3Blobs({
    bucket: openBucket(settings, location.bucket),
    prefix: location.prefix,
    localDirectory: directory.blobCache,
    cacheBytes: bytesOf(settings.blobCache),
  });
}

export function openBucket(settings: Settings, name: string): Bucket {
  return new Bucket(name, { endpointUrl: settings.s3EndpointUrl, ignoreTls: settings.s3IgnoreTls });
}
