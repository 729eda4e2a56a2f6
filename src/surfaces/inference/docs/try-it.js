// Runs in the page that try-it-page.ts writes: sends the request that stands in the form, and writes the same request
// as a snippet in three languages.
const page = JSON.parse(document.getElementById('page').textContent);
const at = (id) => document.getElementById(id);
const [protocol, body, key, answer, status, snippet] = [
  'protocol',
  'body',
  'key',
  'answer',
  'status',
  'snippet',
].map(at);
const tabs = [...document.querySelectorAll('[role="tab"]')];
let language = 'python';

const chosen = () => page.protocols.find(({ name }) => name === protocol.value);
const url = () => new URL(chosen().path, location.href).href;
const headers = () => ({
  'content-type': 'application/json',
  ...(key.value === '' ? {} : { authorization: `Bearer ${key.value}` }),
});

const isPlain = (value) => typeof value !== 'object' || value === null || JSON.isRawJSON?.(value) === true;

// A JSON text whose numbers stay as they were written: 12345678901234567890 is no 12345678901234567000. Browsers that
// cannot do so (before 2025) show them as their own.
const parsed = (json) =>
  JSON.parse(json, (_, value, { source } = {}) =>
    typeof value === 'number' && source !== undefined && source !== String(value)
      ? (JSON.rawJSON?.(source) ?? value)
      : value,
  );

// JSON with the innermost lists on one line each.
function pretty(value, indent = '') {
  if (isPlain(value)) return JSON.stringify(value);
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  if (entries.length === 0) return open + close;
  if (isList && value.every(isPlain)) {
    return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  }
  const inner = `${indent}  `;
  const lines = entries.map(
    ([name, item]) => `${inner}${isList ? '' : `${JSON.stringify(name)}: `}${pretty(item, inner)}`,
  );
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

// A JSON text as a literal of Python: words outside of strings are translated, everything else is the same.
function pythonLiteral(json) {
  const words = { true: 'True', false: 'False', null: 'None' };
  return json.replace(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, (part) => words[part] ?? part);
}

const streamReader = `let rest = '';
for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
  const events = (rest + text).split('\\n\\n');
  rest = events.pop() ?? '';
  for (const event of events) console.log(JSON.parse(event.slice('data: '.length)));
}
`;

const writers = {
  python(json) {
    const lines = Object.entries(headers()).filter(([name]) => name !== 'content-type');
    const more = lines.map(
      ([name, value]) => `\n    headers={${JSON.stringify(name)}: ${JSON.stringify(value)}},`,
    );
    const { streams } = chosen();
    return (
      `${streams ? 'import json\n\n' : ''}import requests\n\n` +
      `answer = requests.post(\n    ${JSON.stringify(url())},${more.join('')}\n` +
      `    json=${pythonLiteral(json).replaceAll('\n', '\n    ')},\n    timeout=10,\n${streams ? '    stream=True,\n' : ''})\n` +
      'answer.raise_for_status()\n' +
      (streams
        ? 'for line in answer.iter_lines():\n    if line.startswith(b"data: "):\n        print(json.loads(line[6:]))\n'
        : 'print(answer.json())\n')
    );
  },
  curl(json) {
    const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
    const lines = Object.entries(headers()).map(
      ([name, value]) => `  -H ${quoted(`${name}: ${value}`)} \\\n`,
    );
    return `curl ${chosen().streams ? '-N ' : ''}${quoted(url())} \\\n${lines.join('')}  -d ${quoted(json)}\n`;
  },
  typescript(json) {
    const text = pretty(headers(), '  ').replaceAll('\n', '\n');
    return (
      `const answer = await fetch(${JSON.stringify(url())}, {\n  method: 'POST',\n  headers: ${text},\n` +
      `  body: JSON.stringify(${json.replaceAll('\n', '\n  ')}),\n});\n` +
      'if (!answer.ok) throw new Error(await answer.text());\n' +
      (chosen().streams ? streamReader : 'console.log(await answer.json());\n')
    );
  },
};

function writeSnippet() {
  snippet.textContent = writers[language](body.value.trim());
  for (const tab of tabs) {
    tab.setAttribute('aria-selected', String(tab.dataset.language === language));
    tab.tabIndex = tab.dataset.language === language ? 0 : -1;
  }
}

function chooseProtocol() {
  body.value = pretty(chosen().example);
  writeSnippet();
}

function tell(kind, text) {
  status.dataset.kind = kind;
  status.textContent = text;
}

// Shows the events of an answer as they come, and gives all of them.
async function showPieces(response) {
  let text = '';
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    answer.textContent = text;
    tell('', `${response.status} · ${text.split('\n\n').length - 1} pieces`);
  }
  return text;
}

async function send() {
  tell('', 'Waiting…');
  answer.textContent = '';
  const started = performance.now();
  try {
    const response = await fetch(url(), { method: 'POST', headers: headers(), body: body.value });
    const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream');
    const text = isStream ? await showPieces(response) : await response.text();
    const ms = performance.now() - started;
    tell(response.ok ? 'good' : 'bad', `${response.status} ${response.statusText} · ${ms.toFixed(1)} ms`);
    try {
      answer.textContent = pretty(parsed(text));
    } catch {
      answer.textContent = text;
    }
  } catch (error) {
    tell('bad', 'No answer');
    answer.textContent = String(error);
  }
}

protocol.addEventListener('change', chooseProtocol);
body.addEventListener('input', writeSnippet);
key.addEventListener('input', writeSnippet);
at('reset').addEventListener('click', chooseProtocol);
at('send').addEventListener('click', send);
body.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send();
});
for (const [i, tab] of tabs.entries()) {
  tab.addEventListener('click', () => {
    language = tab.dataset.language;
    writeSnippet();
  });
  tab.addEventListener('keydown', ({ key: pressed }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[pressed];
    if (step) tabs.at((i + step) % tabs.length).focus();
  });
}
at('copy').addEventListener('click', async () => {
  setTimeout(() => {
    at('copy').textContent = 'Copy';
  }, 2000);
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    at('copy').textContent = 'Copied';
  } catch {
    // Browsers give the clipboard to safe origins only: the text is selected instead.
    getSelection().selectAllChildren(snippet);
    at('copy').textContent = 'Selected';
  }
});
// A link sends no key, so the document is fetched where there is one.
at('openapi').addEventListener('click', async (event) => {
  if (key.value === '') return;
  event.preventDefault();
  const response = await fetch(at('openapi').href, { headers: headers() });
  tell(response.ok ? 'good' : 'bad', `${response.status} ${response.statusText} · OpenAPI document`);
  answer.textContent = pretty(await response.json());
});
key.value = page.key;
chooseProtocol();
