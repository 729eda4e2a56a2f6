export { defaultArtifactRootOf, type StorageLocation, storageLocation } from './artifact-settings.ts';
export { type DataDirectory, dataDirectory, lockDirectory } from './data-directory.ts';
export { patternOf } from './pattern.ts';
export { readSettings } from './read-settings.ts';
export { type SettingGroup, type SettingRole, settingGroups, settingsOfRole } from './setting-groups.ts';
export {
  bytesOf,
  durationMsOf,
  fallbackVariables,
  flagOf,
  type SettingName,
  type Settings,
  settingNames,
  settingsSchema,
  standardOf,
  switches,
  variableOf,
} from './settings.ts';
