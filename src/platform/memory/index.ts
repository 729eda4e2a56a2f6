export { giveMemoryBack } from './give-memory-back.ts';
