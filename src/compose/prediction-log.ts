import type { ReplicaOptions } from '../lifecycle/serving/index.ts';
import { bytesOf, type DataDirectory, durationMsOf, type Settings } from '../platform/config/index.ts';
import { keyFromFile } from '../platform/secrets/index.ts';

/** How the settings have the prediction log kept. */
export function predictionLogOf(
  settings: Settings,
  directory: DataDirectory,
): NonNullable<ReplicaOptions['log']> {
  const { durability, durabilityInterval, predictionLogDisk } = settings;
  return {
    hashKey: () => hashKeyOf(settings, directory),
    durability:
      durability === 'fsync'
        ? { kind: 'fsync' }
        : { kind: 'interval', intervalMs: durationMsOf(durabilityInterval) },
    ...(predictionLogDisk === undefined ? {} : { maxDiskBytes: bytesOf(predictionLogDisk) }),
  };
}

/** The key that fields of the prediction log are hashed with; made when it is asked for the first time. */
export function hashKeyOf(settings: Settings, directory: DataDirectory): string {
  return settings.logHashKey ?? keyFromFile(directory.logHashKey);
}
