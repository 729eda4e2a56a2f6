/**
 * The composition root. Each role's parts are put together in `compose/`, loaded only by the process that runs
 * that role; everything that is not a role is a command of the command line.
 */
const [command = 'help', ...args] = process.argv.slice(2);

switch (command) {
  case 'up':
  case 'control':
  case 'serve':
  case 'work':
    if (args.includes('--help') || args.includes('-h')) await runCommand(['help', command]);
    else await run(command);
    break;
  case 'move':
    if (args.includes('--help') || args.includes('-h')) await runCommand(['help', command]);
    else await runMove();
    break;
  default:
    await runCommand([command, ...args]);
}

async function runCommand(words: readonly string[]): Promise<void> {
  const { runCli } = await import('./surfaces/cli/index.ts');
  process.exitCode = await runCli(words);
}

async function runMove(): Promise<void> {
  const { move } = await import('./compose/move.ts');
  const { createLogger } = await import('./platform/log/index.ts');
  const { reportFatal } = await import('./compose/role.ts');
  try {
    await move(args, process.env, (line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    reportFatal('move', createLogger('move'), error);
    process.exitCode = 1;
  }
}

async function run(role: 'up' | 'control' | 'serve' | 'work'): Promise<void> {
  const { readSettings } = await import('./platform/config/index.ts');
  const { createLogger } = await import('./platform/log/index.ts');
  const { leaveDeletedDirectory, reportFatal, runRole } = await import('./compose/role.ts');
  let settings: ReturnType<typeof readSettings>;
  try {
    settings = readSettings(args, process.env);
  } catch (error) {
    reportFatal(role, createLogger(role), error);
    process.exit(78);
  }
  leaveDeletedDirectory();
  if (role === 'up') {
    const { up } = await import('./compose/up.ts');
    process.exit(await up(import.meta.filename, settings));
  }
  const log = createLogger(role, settings.logLevel, settings.logFormat);
  await runRole(role, settings, log, async (begun) => {
    switch (role) {
      case 'control':
        return (await import('./compose/control.ts')).startControl(settings, log);
      case 'serve':
        return (await import('./compose/serve.ts')).startServe(settings, log, begun);
      case 'work':
        return (await import('./compose/work.ts')).startWork(settings, log);
    }
  });
}
