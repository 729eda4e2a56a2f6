import { parseExact, pythonDumps } from '../../../core/exact-json.ts';
import { type Convention, conventions } from './conventions.ts';
import { type IncomingSpan, traceKeys } from './records.ts';

/** Attributes of a span as JSON text each. */
export type AttributeTexts = Readonly<Record<string, string>>;

/**
 * The attributes with what MLflow's readers look for, taken from the names that other exporters use: type, inputs,
 * outputs, tokens, model, provider, tools and layout of messages. What the span says in MLflow's own names stays.
 * By the rules of MLflow's server (`translate_span_when_storing`), without prices.
 */
export function translated(attributes: AttributeTexts, events: IncomingSpan['events']): AttributeTexts {
  const found: Record<string, string | null> = {
    [traceKeys.inputs]: fromAttributes(attributes, (c) => c.inputs) ?? inputsOf(events),
    [traceKeys.outputs]: fromAttributes(attributes, (c) => c.outputs) ?? outputsOf(events),
    [traceKeys.tokenUsage]: tokenUsage(attributes),
    [traceKeys.messageFormat]: messageFormat(attributes),
    [traceKeys.tools]: fromAttributes(attributes, (c) => c.tools),
    [traceKeys.provider]: fromAttributes(attributes, (c) => c.provider),
  };
  const added = Object.entries(found).flatMap(([key, text]) =>
    text === null || attributes[key] !== undefined ? [] : [[key, text] as const],
  );
  const type = spanType(attributes);
  const filled: AttributeTexts = {
    ...attributes,
    ...(type ? { [traceKeys.spanType]: type } : {}),
    ...Object.fromEntries(added),
  };
  const model = filled[traceKeys.model] ?? modelOf(filled);
  return model === null ? filled : { ...filled, [traceKeys.model]: model };
}

function spanType(attributes: AttributeTexts): string | null {
  const said = parsed(attributes[traceKeys.spanType]);
  if (said && said !== 'UNKNOWN') return null;
  for (const { kind } of conventions) {
    for (const key of kind?.keys ?? []) {
      const value = parsed(attributes[key]);
      if (typeof value === 'string' && kind && Object.hasOwn(kind.types, value)) {
        return JSON.stringify(kind.types[value]);
      }
    }
  }
  return null;
}

/** The first value that is there and not empty, over all conventions. */
function fromAttributes(
  attributes: AttributeTexts,
  keysOf: (convention: Convention) => readonly (string | RegExp)[] | undefined,
): string | null {
  for (const convention of conventions) {
    for (const wanted of keysOf(convention) ?? []) {
      const keys =
        typeof wanted === 'string' ? [wanted] : Object.keys(attributes).filter((key) => wanted.test(key));
      for (const key of keys) {
        const text = attributes[key];
        if (text !== undefined && !isEmpty(text)) return text;
      }
    }
  }
  return null;
}

type Events = IncomingSpan['events'];

/** Some exporters keep texts in events: Spring AI whole, the older conventions for generative AI by message. */
function inputsOf(events: Events): string | null {
  return (
    valueOfEvent(events, 'gen_ai.content.prompt', 'gen_ai.prompt') ??
    messagesOf(events, ({ name }) => /^gen_ai\.(system|user|assistant)\.message$/.exec(name)?.[1])
  );
}

function outputsOf(events: Events): string | null {
  return (
    valueOfEvent(events, 'gen_ai.content.completion', 'gen_ai.completion') ??
    messagesOf(events, (event) =>
      event.name === 'gen_ai.choice' ? (attributeOf(event, 'role') ?? 'assistant') : undefined,
    )
  );
}

function valueOfEvent(events: Events, name: string, key: string): string | null {
  for (const event of events) {
    const value = event.name === name && attributeOf(event, key);
    if (value) return attributeText(value);
  }
  return null;
}

/** The events that are messages, as a list of chat messages; `roleOf` says whose message one is. */
function messagesOf(events: Events, roleOf: (event: Events[number]) => unknown): string | null {
  const messages = events.flatMap((event) => {
    const role = roleOf(event);
    const content = attributeOf(event, 'content');
    return role && content ? [{ role, content: decoded(content) }] : [];
  });
  return messages.length > 0 ? pythonDumps(messages) : null;
}

function attributeOf(event: Events[number], key: string): unknown {
  return event.attributes.find(([k]) => k === key)?.[1];
}

/** What JSON text says; anything else as it is. */
function decoded(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseExact(value);
  } catch {
    return value;
  }
}

function tokenUsage(attributes: AttributeTexts): string | null {
  for (const { tokens } of conventions) {
    if (!tokens) continue;
    const count = (keys: readonly string[] = []): number | null =>
      keys.map((key) => wholeNumber(attributes[key])).find((value) => value !== null) ?? null;
    const input = count(tokens.input);
    const output = count(tokens.output);
    const total = count(tokens.total) ?? (input !== null && output !== null ? input + output : null);
    if (input === null && output === null && total === null) continue;
    const usage = {
      input_tokens: input,
      output_tokens: output,
      total_tokens: total,
      cache_read_input_tokens: count(tokens.cacheRead),
      cache_creation_input_tokens: count(tokens.cacheCreation),
    };
    const known = Object.entries(usage).filter(([, value]) => value !== null);
    return pythonDumps(Object.fromEntries(known));
  }
  return null;
}

/** A count of tokens, written as a number or as its digits in a string. */
function wholeNumber(text: string | undefined): number | null {
  const value = parsed(text);
  const number = typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : null;
}

function messageFormat(attributes: AttributeTexts): string | null {
  const keys = Object.keys(attributes);
  const format = conventions.find(({ messageFormat: { prefixes } = { prefixes: [] } }) =>
    prefixes.some((prefix) => keys.some((key) => key.startsWith(prefix))),
  );
  return format?.messageFormat ? JSON.stringify(format.messageFormat.name) : null;
}

/** The model by its attribute, or by the field `model` of inputs or outputs. */
function modelOf(attributes: AttributeTexts): string | null {
  const named = fromAttributes(attributes, (c) => c.model);
  if (named !== null) return named;
  for (const key of [traceKeys.inputs, traceKeys.outputs]) {
    const value = parsed(attributes[key]);
    const model = typeof value === 'object' && value !== null && 'model' in value ? value.model : null;
    if (model) return typeof model === 'string' ? JSON.stringify(model) : null;
  }
  return null;
}

/**
 * A value of an attribute as JSON text. Text that is itself JSON of a string, a list or an object stands as it is:
 * exporters that have no structured attributes write them so.
 */
export function attributeText(value: unknown): string {
  if (typeof value !== 'string') return pythonDumps(value);
  const inner = parsed(value);
  return typeof inner === 'string' || (typeof inner === 'object' && inner !== null)
    ? value
    : JSON.stringify(value);
}

function isEmpty(text: string): boolean {
  const value = parsed(text);
  if (value === undefined) return text === '';
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return !value;
}

/** What a JSON text says; undefined when it is none. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
