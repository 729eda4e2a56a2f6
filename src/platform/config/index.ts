export { defaultArtifactRootOf, type StorageLocation, storageLocation } from './artifact-settings.ts';
export { type DataDirectory, dataDirectory, lockDirectory } from './data-directory.ts';
export { patternOf } from './pattern.ts';
export { readSettings } from './read-settings.ts';
export {
  bytesOf,
  durationMsOf,
  flagOf,
  type SettingName,
  type Settings,
  settingNames,
  settingsSchema,
  variableOf,
} from './settings.ts';
