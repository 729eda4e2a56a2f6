import { truncate } from '../validation.ts';

const largestPreview = 1000;

interface Message {
  readonly role: unknown;
  readonly content: unknown;
}

/**
 * The beginning of what went in or came out, at most 1000 characters. Of a chat it is the text of the last message
 * by this role, or of the last one when none is by it; where MLflow's server finds messages, they are found here
 * (`tracing/utils/truncation.py`).
 */
export function preview(text: string | undefined, role: 'user' | 'assistant'): string | null {
  if (text === undefined) return null;
  const messages = messagesIn(parsed(text));
  const message = messages.findLast((item) => item.role === role) ?? messages.at(-1);
  const shown = (message && textOfMessage(message)) || text;
  const short = truncate(shown, largestPreview);
  return short.length === shown.length ? shown : `${truncate(shown, largestPreview - 3)}...`;
}

/** The messages of a request or a response of OpenAI's kinds of chat, or of one inside `request`. */
function messagesIn(value: unknown): readonly Message[] {
  for (let at = value; isObject(at); at = at.request) {
    const { messages, choices, input, output } = at;
    if (Array.isArray(messages) && messages.length > 0) return messages.filter(isMessage);
    const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (isObject(first) && isMessage(first.message)) return [first.message];
    for (const list of [input, output]) {
      if (Array.isArray(list) && list.length > 0) return list.filter(isMessage);
    }
  }
  return [];
}

function textOfMessage({ content }: Message): string {
  if (typeof content === 'string') return content;
  for (const part of Array.isArray(content) ? content : []) {
    if (typeof part === 'string') return part;
    if (isObject(part) && (part.type === 'text' || part.type === 'output_text')) {
      return typeof part.text === 'string' ? part.text : '';
    }
  }
  return '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isMessage(value: unknown): value is Message {
  return isObject(value) && 'role' in value && 'content' in value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
