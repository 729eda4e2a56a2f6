export { type DataDirectory, dataDirectory, lockDirectory } from './data-directory.ts';
export {
  flagOf,
  readSettings,
  type SettingName,
  type Settings,
  settingNames,
  settingsSchema,
  variableOf,
} from './settings.ts';
