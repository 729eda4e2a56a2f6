import { type Logger, pino, stdSerializers } from 'pino';
import { MillraceError } from '../../core/errors.ts';
import { requireWhenUsed } from '../../core/require-when-used.ts';

export type { Logger };

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
type LogFormat = 'auto' | 'json' | 'text';

/** A logger that writes lines for people on a terminal and JSON elsewhere. */
export function createLogger(name: string, level: LogLevel = 'info', format: LogFormat = 'auto'): Logger {
  const text = format === 'text' || (format === 'auto' && process.stdout.isTTY);
  const options = { name, level, base: { name, pid: process.pid }, serializers: { err: describeError } };
  if (!text) return pino(options);
  const pretty = requireWhenUsed<typeof import('pino-pretty')>('pino-pretty');
  return pino(options, pretty({ colorize: process.stdout.isTTY, ignore: 'pid,hostname', sync: true }));
}

/** An error that we foresaw is told by its message and next step; only others need their stack. */
function describeError(error: unknown): unknown {
  if (!(error instanceof MillraceError)) return stdSerializers.err(error as Error);
  const { code, message, next } = error;
  return { code, message, next };
}

export { boundedLines } from './bounded-lines.ts';
export { readLines } from './read-lines.ts';
