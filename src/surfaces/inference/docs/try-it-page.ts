import type { MillraceError } from '../../../core/errors.ts';
import type { EndpointState, ServedArm } from '../../../lifecycle/serving/index.ts';
import type { HttpAnswer } from '../http/answer.ts';
import { tensorsOf } from '../oip/metadata.ts';
import { exampleBodies } from './examples.ts';
import { escapeHtml, foreign, htmlPage } from './html-page.ts';

/**
 * The page of an endpoint, or of one of its versions: its inputs, a request to try with the example filled in, and
 * snippets.
 *
 * @param arm whose inputs are shown
 * @param version the version that was asked for by name, which then answers the calls too; null: the split decides
 * @param key what it was opened with, for the calls; '' where it was open
 */
export function tryItPage(
  state: EndpointState,
  arm: ServedArm,
  version: string | null = null,
  key = '',
): HttpAnswer {
  const { manifest } = arm.model;
  const name = state.route.endpoint;
  const at = encodeURIComponent(name);
  const { inputs, outputs } = tensorsOf(manifest);
  const protocols = protocolsOf(at, arm, version);
  const required = new Set(manifest.signature.inputs.filter((f) => f.required).map((f) => f.name));
  const main = `
<header>
<h1>${escapeHtml(name)}</h1>
<p>Model ${foreign(state.route.model)}, ${answering(state, arm, version)} ·
<a id="openapi" href="/v2/models/${at}/docs/dataplane.json">OpenAPI document</a> ·
<a href="/v2/docs">All endpoints</a></p>
</header>
<main>
<section class="columns">
<div>
<div class="bar">
<h2><label for="body">Request</label></h2>
<select id="protocol" aria-label="Protocol">${protocols
    .map((p) => `<option value="${p.name}">${escapeHtml(p.label)}</option>`)
    .join('')}</select>
<button id="reset" type="button">Example</button>
<button id="send" type="button" class="primary" title="Ctrl+Enter in the request">Send</button>
</div>
<textarea id="body" spellcheck="false" autocomplete="off"></textarea>
</div>
<div>
<div class="bar"><h2>Answer</h2><span id="status" class="status" role="status"></span></div>
<pre id="answer" class="answer" tabindex="0" role="region" aria-label="Answer"></pre>
</div>
</section>
<section>
<div class="bar">
<h2>The same from a program</h2>
<span class="pair"><label for="key">API key</label>
<input id="key" type="password" autocomplete="off" placeholder="none"></span>
<div role="tablist" aria-label="Language" class="bar">
<button type="button" role="tab" data-language="python" aria-controls="snippet">Python</button>
<button type="button" role="tab" data-language="curl" aria-controls="snippet">curl</button>
<button type="button" role="tab" data-language="typescript" aria-controls="snippet">TypeScript</button>
</div>
<button id="copy" type="button">Copy</button>
</div>
<pre id="snippet" role="tabpanel" tabindex="0" aria-label="Snippet"></pre>
</section>
<section class="columns">
${table(
  'Inputs',
  inputs.map((t) => [t.name, t.datatype, shapeText(t.shape), required.has(t.name) ? 'yes' : 'no']),
)}
${table(
  'Outputs',
  outputs.map((t) => [t.name, t.datatype, shapeText(t.shape)]),
)}
</section>
</main>`;
  return htmlPage(`${name} · Predictions`, main, { protocols, key });
}

/** The ways to ask, each with its example. A version is named in paths of the Open Inference Protocol alone. */
function protocolsOf(at: string, arm: ServedArm, version: string | null) {
  const examples = exampleBodies(arm.model.manifest);
  const model = `/v2/models/${at}${version === null ? '' : `/versions/${encodeURIComponent(version)}`}`;
  const infer = {
    name: 'infer',
    label: 'Open Inference Protocol v2',
    path: `${model}/infer`,
    example: examples.infer,
  };
  const invocations = {
    name: 'invocations',
    label: 'MLflow scoring',
    path: `/endpoints/${at}/invocations`,
    example: examples.invocations,
  };
  const predict = {
    name: 'predict',
    label: 'KServe v1',
    path: `/v1/models/${at}:predict`,
    example: examples.predict,
  };
  const stream = {
    name: 'stream',
    label: 'In pieces (generate_stream)',
    path: `${model}/generate_stream`,
    example: examples.generate,
    streams: true,
  };
  return [infer, ...(version === null ? [invocations, predict] : []), ...(arm.model.streams ? [stream] : [])];
}

/** Who answers a call from the page, so that nobody takes one version's answer for another's. */
function answering(state: EndpointState, arm: ServedArm, version: string | null): string {
  const one = `version ${foreign(arm.modelVersion)}`;
  if (version !== null) return `${one}, which answers here whatever the split says`;
  const asked = state.arms.filter(({ weight }) => weight > 0);
  if (asked.length < 2) return one;
  const docs = `/v2/models/${encodeURIComponent(state.route.endpoint)}/versions`;
  const shares = asked.map(
    ({ modelVersion, weight }) =>
      `<a href="${docs}/${encodeURIComponent(modelVersion)}/docs">version ${foreign(modelVersion)}</a> ${percent(weight)}`,
  );
  return `answered by ${shares.join(', ')}`;
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))}\u202f%`;

/** The page of an endpoint that cannot be shown: none of this name, or none of its versions is loaded. */
export function missingPage(name: string, error: MillraceError): HttpAnswer {
  const main = `<header><h1>${escapeHtml(name)}</h1></header>
<main><p role="alert">${foreign(error.message)}. ${escapeHtml(error.next)}</p>
<p><a href="/v2/docs">All endpoints</a></p></main>`;
  const page = htmlPage(`${name} · Predictions`, main, null, { status: error.status });
  return { ...page, headers: { ...page.headers, 'x-millrace-error': error.code } };
}

/** The list of endpoints with their pages. */
export function endpointsPage(states: readonly EndpointState[]): HttpAnswer {
  const rows = states.map((state) => {
    const name = state.route.endpoint;
    const versions = [...new Set(state.arms.map((a) => a.modelVersion))].join(', ') || 'nothing deployed';
    return `<tr><td><a href="/v2/models/${encodeURIComponent(name)}/docs">${foreign(name)}</a></td><td>${foreign(state.route.model)}</td><td>${foreign(versions)}</td></tr>`;
  });
  const none = 'None yet: a version that is deployed is listed here.';
  const main = `<header><h1>Endpoints</h1><p>${rows.length === 0 ? none : 'Each has a page to try it and an OpenAPI document.'}</p></header><main>
<table><thead><tr><th>Endpoint</th><th>Model</th><th>Versions</th></tr></thead><tbody>${rows.join('')}</tbody></table></main>`;
  return htmlPage('Endpoints', main, null);
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${foreign(cell)}</td>`).join('')}</tr>`);
  const heads = ['Name', 'Type', 'Shape', 'Required'].slice(0, rows[0]?.length ?? 3);
  const head = heads.map((cell) => `<th scope="col">${cell}</th>`).join('');
  return `<div><h2>${title}</h2><table class="signature"><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.map((d) => (d < 0 ? 'any' : d)).join(', ')}]`;
}
