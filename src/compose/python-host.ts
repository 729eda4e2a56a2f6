import { join, resolve } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { findPython } from '../lifecycle/pipelines/index.ts';
import { bytesOf, dataDirectory, durationMsOf, type Settings } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { PythonHost } from '../platform/python-runtime/index.ts';

const environmentPython = join(installationDirectory, '.venv/bin/python');
const noLimitMs = 24 * 3_600_000;

/** The Python that training and conversion use. */
export function givenPython(settings: Settings): string {
  return findPython(settings.python, environmentPython);
}

/** What runs models as Python, as the settings say. */
export function pythonHost(settings: Settings, logger: Logger): PythonHost {
  return new PythonHost({
    python: givenPython(settings),
    directory: resolve(dataDirectory(settings.data).python),
    mode: settings.pythonEnvironment,
    wheels: settings.pythonWheels === undefined ? null : resolve(settings.pythonWheels),
    cacheBytes: bytesOf(settings.pythonCache),
    workers: settings.pythonWorkers,
    memoryBytes: bytesOf(settings.pythonMemory),
    timeoutMs: durationMsOf(settings.pythonTimeout) || noLimitMs,
    logger,
  });
}
