import type { EndpointState, ServedArm } from '../../../lifecycle/serving/index.ts';
import type { HttpAnswer } from '../http/answer.ts';
import { tensorsOf } from '../oip/metadata.ts';
import { exampleBodies } from './examples.ts';
import { escapeHtml, htmlPage } from './html-page.ts';

/**
 * The page of an endpoint: its inputs, a request to try with the example filled in, and snippets.
 *
 * @param key what it was opened with, for the calls; '' where it was open
 */
export function tryItPage(state: EndpointState, arm: ServedArm, key = ''): HttpAnswer {
  const { manifest } = arm.model;
  const name = state.route.endpoint;
  const at = encodeURIComponent(name);
  const examples = exampleBodies(manifest);
  const { inputs, outputs } = tensorsOf(manifest);
  const protocols = [
    {
      name: 'infer',
      label: 'Open Inference Protocol v2',
      path: `/v2/models/${at}/infer`,
      example: examples.infer,
    },
    {
      name: 'invocations',
      label: 'MLflow scoring',
      path: `/endpoints/${at}/invocations`,
      example: examples.invocations,
    },
    { name: 'predict', label: 'KServe v1', path: `/v1/models/${at}:predict`, example: examples.predict },
    ...(arm.model.streams
      ? [
          {
            name: 'stream',
            label: 'In pieces (generate_stream)',
            path: `/v2/models/${at}/generate_stream`,
            example: examples.generate,
            streams: true,
          },
        ]
      : []),
  ];
  const required = new Set(manifest.signature.inputs.filter((f) => f.required).map((f) => f.name));
  const main = `
<header>
<h1>${escapeHtml(name)}</h1>
<p>Model ${escapeHtml(state.route.model)}, version ${escapeHtml(arm.modelVersion)} ·
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
<button id="send" type="button" class="primary">Send</button>
</div>
<textarea id="body" spellcheck="false" autocomplete="off"></textarea>
</div>
<div>
<div class="bar"><h2>Answer</h2><span id="status" class="status" role="status"></span></div>
<pre id="answer" class="answer" tabindex="0" aria-label="Answer"></pre>
</div>
</section>
<section>
<div class="bar">
<h2>The same from a program</h2>
<label for="key">API key</label><input id="key" type="password" autocomplete="off" placeholder="none">
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
  inputs.map((t) => [t.name, t.datatype, shapeText(t.shape), required.has(t.name) ? 'required' : 'optional']),
)}
${table(
  'Outputs',
  outputs.map((t) => [t.name, t.datatype, shapeText(t.shape)]),
)}
</section>
</main>`;
  return htmlPage(`${name} · Predictions`, main, { protocols, key });
}

/** The list of endpoints with their pages. */
export function endpointsPage(states: readonly EndpointState[]): HttpAnswer {
  const rows = states.map((state) => {
    const name = state.route.endpoint;
    const versions = [...new Set(state.arms.map((a) => a.modelVersion))].join(', ') || 'nothing deployed';
    return `<tr><td><a href="/v2/models/${encodeURIComponent(name)}/docs">${escapeHtml(name)}</a></td><td>${escapeHtml(state.route.model)}</td><td>${escapeHtml(versions)}</td></tr>`;
  });
  const main = `<header><h1>Endpoints</h1><p>Each has a page to try it and an OpenAPI document.</p></header><main>
<table><thead><tr><th>Endpoint</th><th>Model</th><th>Versions</th></tr></thead><tbody>${rows.join('')}</tbody></table></main>`;
  return htmlPage('Endpoints', main, null);
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  const body = rows.map(
    (cells) => `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`,
  );
  const heads = ['Name', 'Type', 'Shape', ''].slice(0, rows[0]?.length ?? 3);
  const head = heads.map((cell) => `<th scope="col">${cell}</th>`).join('');
  return `<div><h2>${title}</h2><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.map((d) => (d < 0 ? 'any' : d)).join(', ')}]`;
}
