export { giveMemoryBack } from './give-memory-back.ts';
export { QuietCollection } from './quiet-collection.ts';
