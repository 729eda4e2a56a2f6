import { fail } from '../../core/errors.ts';
import type { Plane } from '../../lifecycle/serving/index.ts';
import { malformed } from './request-context.ts';

type Setting = string | number | boolean | readonly string[];
type Settings = Readonly<Record<string, Setting>>;

const traceDefaults: Settings = {
  trace_file: '',
  trace_level: ['OFF'],
  trace_rate: '1000',
  trace_count: '-1',
  log_frequency: '0',
  trace_mode: 'triton',
};
const traceLevels: ReadonlySet<string> = new Set(['OFF', 'TIMESTAMPS', 'TENSORS', 'MIN', 'MAX']);
const countedTraces = ['trace_rate', 'trace_count', 'log_frequency'] as const;
const logDefaults: Settings = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};

/**
 * The trace and logging settings of Triton's extensions. They are accepted, checked, kept while the server runs
 * and given back, and change nothing: what is logged and traced is decided where the server is started. Nobody says
 * over the network which file is written.
 */
export class ServerSettings {
  #log = logDefaults;
  #trace = traceDefaults;
  readonly #modelTraces = new Map<string, Settings>();

  log(): Settings {
    return this.#log;
  }

  /** Settings of a model are the server's but for those set for it. Null: the server's own. */
  trace(model: string | null): Settings {
    return { ...this.#trace, ...(model === null ? {} : this.#modelTraces.get(model)) };
  }

  /** Throws `request_malformed` for a setting that is not known or has another type. */
  updateLog(given: Readonly<Record<string, unknown>>): Settings {
    this.#log = { ...this.#log, ...checked(given, logDefaults, 'log').set };
    return this.#log;
  }

  /** Null clears a setting. Throws `request_malformed` for one that is not known or has another type. */
  updateTrace(model: string | null, given: Readonly<Record<string, unknown>>): Settings {
    const { set, cleared } = checked(given, traceDefaults, 'trace');
    refuseTraceValues(set);
    if (model === null) {
      const defaults = Object.fromEntries(cleared.map((name) => [name, traceDefaults[name] as Setting]));
      this.#trace = { ...this.#trace, ...defaults, ...set };
    } else {
      const own = Object.entries({ ...this.#modelTraces.get(model), ...set });
      this.#modelTraces.set(model, Object.fromEntries(own.filter(([name]) => !cleared.includes(name))));
    }
    return this.trace(model);
  }
}

function checked(
  given: Readonly<Record<string, unknown>>,
  defaults: Settings,
  kind: string,
): { set: Record<string, Setting>; cleared: string[] } {
  const set: Record<string, Setting> = {};
  const cleared: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const example = Object.hasOwn(defaults, name) ? defaults[name] : undefined;
    if (example === undefined) {
      const names = Object.keys(defaults).join(', ');
      throw malformed(`there is no ${kind} setting ${JSON.stringify(name.slice(0, 60))}; there are ${names}`);
    }
    if (name === `${kind}_file` && value !== null && value !== example) {
      throw malformed(`${kind} file location can not be updated through network protocol`);
    }
    if (value === null) cleared.push(name);
    else if (isLike(example, value)) set[name] = value;
    else throw malformed(`${kind} setting "${name}" must be ${kindOf(example)}`);
  }
  return { set, cleared };
}

/** Levels that there are not, and counts that are no whole numbers. */
function refuseTraceValues(set: Settings): void {
  const level = ((set.trace_level ?? []) as readonly string[]).find((name) => !traceLevels.has(name));
  if (level !== undefined) {
    const levels = [...traceLevels].join(', ');
    throw malformed(
      `trace setting "trace_level" has ${JSON.stringify(level.slice(0, 60))}; levels are ${levels}`,
    );
  }
  const count = countedTraces.find((name) => set[name] !== undefined && !/^-?\d+$/.test(String(set[name])));
  if (count) throw malformed(`trace setting "${count}" must be a whole number as a text`);
}

/** Whether a value may stand in the place of a setting's standard one; numbers are levels, whole and from 0 on. */
function isLike(example: Setting, value: unknown): value is Setting {
  if (Array.isArray(example)) return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (typeof example === 'number') return Number.isInteger(value) && Number(value) >= 0;
  return typeof value === typeof example;
}

function kindOf(example: Setting): string {
  if (Array.isArray(example)) return 'a list of texts';
  return typeof example === 'number' ? 'a whole number, 0 or more' : `a ${typeof example}`;
}

/** Throws `trace_model_unknown`, whose words are those of Triton's trace extension. */
export function requireTraced(plane: Plane, model: string): void {
  if (plane.absence(model) === 'unknown') throw fail('trace_model_unknown', { endpoint: model });
}
