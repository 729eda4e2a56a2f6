export { fernetBox, newFernetKey, type SecretBox } from './fernet.ts';
export { keyFromFile } from './key-file.ts';
