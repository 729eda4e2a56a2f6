import { flagOf, type Settings, variableOf } from '../platform/config/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { onStopRequest, Supervisor } from '../platform/supervisor/index.ts';
import { stopLimitMs } from './role.ts';
import { ownUrlOf } from './urls.ts';

/**
 * Control holds little, so a nursery of 4 MB does (30 MB less), and what the C library freed goes back (40 MB).
 * `bin/millrace control` says the same; platform/memory sees to the rest.
 */
const heapFlags: Readonly<Record<string, readonly string[]>> = {
  control: ['--max-semi-space-size=4'],
};
const memoryEnvironment: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  control: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_TRIM_THRESHOLD_: '131072',
    MALLOC_MMAP_THRESHOLD_: '65536',
  },
};

/** A role that ends itself when its time is up need not be killed. */
const marginMs = 500;

/** Starts control, serve and a local worker as child processes and keeps them running. */
export async function up(main: string, settings: Settings): Promise<number> {
  const log = createLogger('up', settings.logLevel, settings.logFormat);
  const supervisor = new Supervisor(log);
  const env = {
    ...process.env,
    ...environmentOf(settings),
  };
  if (settings.port === 0) {
    log.fatal(
      `up needs a fixed port: serve and work must know where control is. Give one with ${flagOf('port')}.`,
    );
    return 78;
  }
  // MILLRACE_URL is often set for the command line, and may name another server: these three belong together.
  const besideControl = { MILLRACE_URL: ownUrlOf(settings) };
  for (const role of ['control', 'serve', 'work'] as const) {
    const args = ['--disable-warning=ExperimentalWarning', ...(heapFlags[role] ?? []), main, role];
    supervisor.start({
      name: role,
      command: process.execPath,
      args,
      stopMs: stopLimitMs(role, settings) + marginMs,
      env: { ...memoryEnvironment[role], ...env, ...(role === 'control' ? {} : besideControl) },
    });
  }
  const giveUp = (reason: string) => {
    log.warn(`all end at once (${reason} again): what was under way is cut off`);
    supervisor.kill();
  };
  onStopRequest(() => void supervisor.stop(), giveUp);
  return supervisor.ended;
}

/** The settings as variables, so that the roles need no flags and no config file of their own. */
function environmentOf(settings: Settings): Record<string, string> {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [variableOf(name as keyof Settings), String(value)]),
  );
}
