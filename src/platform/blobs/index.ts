export { joinDirectoryBlobs, openDirectoryBlobs } from './fs.ts';
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
export { deleteUnused, type ReferenceOptions, referencedDigests, unreferencedBlobs } from './references.ts';
export { blobRoutes } from './routes.ts';
export { Bucket, type S3Object, type S3Options } from './s3/bucket.ts';
export { openS3Blobs } from './s3/s3-blobs.ts';
export { spool } from './spool.ts';
