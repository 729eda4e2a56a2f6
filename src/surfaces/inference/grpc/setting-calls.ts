import type { Call, Handler } from './methods.ts';
import { modelPath, type RestAnswers } from './rest-answers.ts';

interface TraceRequest {
  readonly model_name: string;
  readonly settings: Readonly<Record<string, { readonly value: readonly string[] }>>;
}

interface LogValue {
  readonly parameter_choice?: 'bool_param' | 'uint32_param' | 'string_param';
  readonly bool_param?: boolean;
  readonly uint32_param?: number;
  readonly string_param?: string;
}

/**
 * The trace and logging extensions. A call without settings asks for them.
 *
 * @param inspect throws for a caller who may not see a model
 */
export function settingHandlers(
  rest: RestAnswers,
  inspect: (name: string, call: Call) => void,
): Readonly<Record<string, Handler>> {
  const ask = async (path: string, settings: Readonly<Record<string, unknown>>) => {
    const answer =
      Object.keys(settings).length === 0 ? await rest('GET', path) : await rest('POST', path, settings);
    return Object.entries(answer as Readonly<Record<string, unknown>>);
  };
  return {
    TraceSetting: {
      unary: async ({ model_name, settings }: TraceRequest, call: Call) => {
        if (model_name !== '') inspect(model_name, call);
        const given = Object.entries(settings).map(([name, { value }]) => [name, traceValue(name, value)]);
        const path = `${model_name === '' ? '/v2' : modelPath(model_name)}/trace/setting`;
        const all = await ask(path, Object.fromEntries(given));
        return {
          settings: Object.fromEntries(
            all.map(([name, value]) => [name, { value: [value].flat().map(String) }]),
          ),
        };
      },
    },
    LogSettings: {
      unary: async ({ settings }: { readonly settings: Readonly<Record<string, LogValue>> }) => {
        const given = Object.entries(settings).map(([name, value]) => [name, plainLogValue(value)]);
        const all = await ask('/v2/logging', Object.fromEntries(given));
        return { settings: Object.fromEntries(all.map(([name, value]) => [name, logValue(value)])) };
      },
    },
  };
}

/** No value at all clears a setting; levels are a list, everything else is one text. */
function traceValue(name: string, value: readonly string[]): unknown {
  if (value.length === 0) return null;
  return name === 'trace_level' ? value : value[0];
}

function plainLogValue(value: LogValue): unknown {
  return value.parameter_choice && value[value.parameter_choice];
}

function logValue(value: unknown): LogValue {
  if (typeof value === 'boolean') return { bool_param: value };
  return typeof value === 'number' ? { uint32_param: value } : { string_param: String(value) };
}
