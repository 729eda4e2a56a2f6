export { openDirectoryBlobs } from './fs.ts';
export type {
  BlobInfo,
  BlobSource,
  BlobStore,
  ByteRange,
  DirectoryBlobStore,
  DirectTransfer,
  StoredBlob,
  UploadedPart,
} from './port.ts';
export { type ReferenceOptions, referencedDigests, unreferencedBlobs } from './references.ts';
export { blobRoutes } from './routes.ts';
export { Bucket, type S3Object, type S3Options } from './s3/Bucket.ts';
export { openS3Blobs } from './s3/S3Blobs.ts';
export { spool } from './spool.ts';
