export { Attempts, attemptVariable, noteProcess } from './Attempts.ts';
export { type Command, type CommandEnd, runCommand } from './runCommand.ts';
