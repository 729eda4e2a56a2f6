import type { Logger } from '../platform/log/index.ts';
import { exitCodeOf, onStopRequest } from '../platform/supervisor/index.ts';

/** A role that runs in this process. */
export interface RunningRole {
  /** What it offers, for the line that says it is ready. */
  readonly ready: string;
  stop(): Promise<void>;
}

const stopLimitMs = 4_500;

/** Runs a role until it is asked to stop; says when it is ready and why it could not start. */
export async function runRole(name: string, log: Logger, start: () => Promise<RunningRole>): Promise<void> {
  const beganMs = performance.now();
  let role: RunningRole | undefined;
  // Heard from the first moment: whoever started this one may be gone before it is ready.
  onStopRequest((reason) => {
    log.info(`${name} stops (${reason})`);
    if (role === undefined) process.exit(0);
    setTimeout(() => process.exit(1), stopLimitMs).unref();
    role.stop().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, `${name} did not stop cleanly`);
        process.exit(1);
      },
    );
  });
  try {
    role = await start();
  } catch (error) {
    reportFatal(name, log, error);
    process.exit(exitCodeOf(error));
  }
  // Held until here: a start may wait for nothing but what comes over it.
  process.channel?.unref();
  log.info({ startMs: Math.round(performance.now() - beganMs) }, `${name} is ready: ${role.ready}`);
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
