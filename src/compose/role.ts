import { formatDuration } from '../core/time.ts';
import { durationMsOf, type Settings } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { exitCodeOf, onStopRequest } from '../platform/supervisor/index.ts';

/** What of a role runs already while the rest starts. */
export interface BegunRole {
  stop(): Promise<void>;
  /** Ends what runs outside of this process at once. */
  kill?(): void;
}

/** A role that runs in this process. */
export interface RunningRole extends BegunRole {
  /** What it offers, for the line that says it is ready. */
  readonly ready: string;
}

type RoleName = 'control' | 'serve' | 'work';

/** What a stop takes beside requests that are under way. */
const endMs = 4_500;
/** How long requests that are under way when a role is told to stop have to be answered. */
export const requestsLimitMs = 20_000;

/**
 * How long a role may take to stop. It takes less but for requests under way: uploads to control, and in serve what a
 * Python model computes, for as long as it may.
 */
export function stopLimitMs(role: RoleName, settings: Pick<Settings, 'pythonTimeout'>): number {
  switch (role) {
    case 'control':
      return requestsLimitMs + endMs;
    case 'serve':
      return Math.max(requestsLimitMs, durationMsOf(settings.pythonTimeout)) + endMs;
    case 'work':
      return endMs;
  }
}

/**
 * Runs a role until it is asked to stop; says when it is ready and why it could not start.
 *
 * @param start calls `begun` with what has to be stopped too before all of it runs
 */
export async function runRole(
  name: RoleName,
  settings: Settings,
  log: Logger,
  start: (begun: (role: BegunRole) => void) => Promise<RunningRole>,
): Promise<void> {
  const beganMs = performance.now();
  let role: BegunRole | undefined;
  // Heard from the first moment: whoever started this one may be gone before it is ready.
  const giveUp = (reason: string) => {
    log.warn(`${name} ends at once (${reason} again): what was under way is cut off`);
    role?.kill?.();
  };
  onStopRequest((reason) => {
    log.info(`${name} stops (${reason})`);
    if (role === undefined) process.exit(0);
    const limitMs = stopLimitMs(name, settings);
    const breakOff = () => {
      log.warn(`${name} ends with requests under way: they took longer than ${formatDuration(limitMs)}`);
      process.exit(1);
    };
    setTimeout(breakOff, limitMs).unref();
    role.stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, `${name} did not stop cleanly`);
        process.exit(1);
      },
    );
  }, giveUp);
  let ready: string;
  try {
    const running = await start((begun) => {
      role = begun;
    });
    role = running;
    ready = running.ready;
  } catch (error) {
    reportFatal(name, log, error);
    process.exit(exitCodeOf(error));
  }
  // Held until here: a start may wait for nothing but what comes over it.
  process.channel?.unref();
  log.info({ startMs: Math.round(performance.now() - beganMs) }, `${name} is ready: ${ready}`);
}

/** A working directory that somebody deleted is left: libraries ask for its path as they load, and would end the process. */
export function leaveDeletedDirectory(): void {
  try {
    process.cwd();
  } catch {
    process.chdir('/');
  }
}

/** An error for people: what happened and what to do; the stack only where we did not foresee it. */
export function reportFatal(name: string, log: Logger, error: unknown): void {
  const known = error as { code?: string; next?: string; message?: string };
  if (error instanceof Error && known.next)
    log.fatal({ code: known.code }, `${name}: ${error.message}. ${known.next}`);
  else log.fatal({ err: error }, `${name} could not start`);
}
