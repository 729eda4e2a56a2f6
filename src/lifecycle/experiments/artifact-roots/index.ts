export { ProxiedRoot } from './ProxiedRoot.ts';
export { type ArtifactRoot, joined, type StoredArtifact } from './port.ts';
export { type ArtifactStorage, artifactRootResolver } from './resolve.ts';
