export { giveMemoryBack } from './giveMemoryBack.ts';
