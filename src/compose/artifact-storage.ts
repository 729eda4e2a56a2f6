import type { ArtifactStorage } from '../lifecycle/experiments/index.ts';
import { type DataDirectory, defaultArtifactRootOf, type Settings } from '../platform/config/index.ts';
import { openBucket } from './blobs.ts';

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** What the settings say about artifacts that lie elsewhere than in the blob store. */
export function artifactStorageOf(settings: Settings, directory: DataDirectory): ArtifactStorage {
  return {
    defaultRoot: defaultArtifactRootOf(settings),
    servesProxied: settings.serveArtifacts,
    dataDirectory: directory.root,
    onlyDefaultRoot: !loopback.test(settings.host),
    temporaryDirectory: directory.temporary,
    openBucket: (name) => openBucket(settings, name),
  };
}
