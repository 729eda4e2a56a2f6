export { type ArtifactRoot, joined, type StoredArtifact } from './port.ts';
export { ProxiedRoot } from './proxied-root.ts';
export { type ArtifactStorage, artifactRootResolver } from './resolve.ts';
