export { type DirectoryBlobStore, openDirectoryBlobs } from './fs.ts';
export type { BlobInfo, BlobSource, BlobStore, ByteRange } from './port.ts';
export { blobRoutes } from './routes.ts';
