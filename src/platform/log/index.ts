import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFormat = 'auto' | 'json' | 'text';

/** A logger that writes lines for people on a terminal and JSON elsewhere. */
export function createLogger(name: string, level: LogLevel = 'info', format: LogFormat = 'auto'): Logger {
  const text = format === 'text' || (format === 'auto' && process.stdout.isTTY);
  const options = { name, level, base: { name, pid: process.pid } };
  return text
    ? pino(options, pretty({ colorize: process.stdout.isTTY, ignore: 'pid,hostname', sync: true }))
    : pino(options);
}
