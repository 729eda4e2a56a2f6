export { Attempts, attemptVariable, noteProcess } from './attempts.ts';
export { type Command, type CommandEnd, runCommand } from './run-command.ts';
