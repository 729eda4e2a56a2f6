import { resolve } from 'node:path';
import { bytesOf, dataDirectory, durationMsOf, type Settings } from '../platform/config/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { PythonHost, type PythonHostOptions } from '../platform/python-runtime/index.ts';
import { givenPython } from './given-python.ts';

const noLimitMs = 24 * 3_600_000;

/** What runs models as Python, as the settings say. */
export function pythonHost(settings: Settings, logger: Logger): PythonHost {
  return new PythonHost({ ...pythonSettings(settings), logger });
}

/** The same for a process that makes its own. */
export function pythonSettings(settings: Settings): Omit<PythonHostOptions, 'logger'> {
  return {
    python: givenPython(settings),
    directory: resolve(dataDirectory(settings.data).python),
    mode: settings.pythonEnvironment,
    wheels: settings.pythonWheels === undefined ? null : resolve(settings.pythonWheels),
    cacheBytes: bytesOf(settings.pythonCache),
    workers: settings.pythonWorkers,
    memoryBytes: bytesOf(settings.pythonMemory),
    timeoutMs: durationMsOf(settings.pythonTimeout) || noLimitMs,
  };
}
