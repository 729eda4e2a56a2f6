import { Link } from '@tanstack/react-router';
import type { DatasetInput, RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { Facts } from '../../../kit/facts.tsx';
import { formatCount, plural, shortId } from '../../../kit/format.ts';
import { JsonTree } from '../../../kit/json-tree.tsx';
import { Card } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { Id } from '../../../kit/snippet.tsx';
import { Ago } from '../../../kit/time.tsx';

/** Models that the run logged. */
export function ModelsCard(props: { readonly run: RunDetail }) {
  const { run } = props;
  if (run.models.length === 0) return null;
  return (
    <Card title="Logged models" note={run.models.length > 1 ? formatCount(run.models.length) : undefined}>
      <ul className="flex flex-col gap-2">
        {run.models.map((model) => (
          <li key={model.id} className="flex flex-wrap items-baseline gap-x-3">
            <Link
              to="/runs/$runId"
              params={{ runId: run.id }}
              search={{ tab: 'files', owner: model.id }}
              className="font-strong text-accent"
            >
              {model.name}
            </Link>
            <Id id={model.id} text={model.id.slice(0, 10)} />
            {model.status !== 'READY' && <span className="text-muted">{model.status.toLowerCase()}</span>}
            {model.modelType && <span className="text-muted">{model.modelType}</span>}
            <span className="ml-auto text-label text-muted">
              <Ago at={model.createdAt} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Data that the run says it used. */
export function DataCard(props: { readonly run: RunDetail }) {
  const { inputs } = props.run;
  if (inputs.length === 0) return null;
  return (
    <Card title="Data">
      <ul className="flex flex-col gap-3">
        {inputs.map((input) => (
          <Dataset key={`${input.digest} ${input.tags['mlflow.data.context'] ?? ''}`} input={input} />
        ))}
      </ul>
    </Card>
  );
}

function Dataset(props: { readonly input: DatasetInput }) {
  const { input } = props;
  const context = input.tags['mlflow.data.context'];
  const profile = parsed(input.profile);
  const rows = typeof profile === 'object' && profile !== null ? Reflect.get(profile, 'num_rows') : undefined;
  const columns = columnsOf(parsed(input.schema));
  return (
    <li>
      <div className="flex flex-wrap items-baseline gap-x-3">
        <span className="font-strong">{input.name}</span>
        {context && <span className="text-muted">{context}</span>}
        <Id id={input.digest} text={shortId(input.digest)} />
        {typeof rows === 'number' && <span className="text-muted">{plural(rows, 'row')}</span>}
        {input.sourceType && <span className="text-muted">from {input.sourceType}</span>}
      </div>
      {columns.length > 0 && (
        <details>
          <summary className="text-accent text-label">{plural(columns.length, 'column')}</summary>
          <Scroll label={`Columns of ${input.name}`} className="max-h-64 pt-1">
            <Facts
              facts={columns.map(
                ([name, type]) =>
                  [
                    name,
                    <span key={name} className="text-muted">
                      {type}
                    </span>,
                  ] as const,
              )}
            />
          </Scroll>
        </details>
      )}
      {columns.length === 0 && input.schema !== null && parsed(input.schema) !== null && (
        <details>
          <summary className="text-accent text-label">schema</summary>
          <JsonTree value={parsed(input.schema)} label={`Schema of ${input.name}`} />
        </details>
      )}
    </li>
  );
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

/** Names and types of the columns of a schema as the MLflow client writes it (`mlflow_colspec`). */
function columnsOf(schema: unknown): readonly (readonly [string, string])[] {
  const spec = typeof schema === 'object' && schema !== null ? Reflect.get(schema, 'mlflow_colspec') : null;
  if (!Array.isArray(spec)) return [];
  return spec.map((column: { name?: unknown; type?: unknown }) => [
    String(column.name ?? ''),
    String(column.type ?? ''),
  ]);
}

/** Where the code came from, in which environment it ran, and what it wrote out. */
export function CodeCard(props: { readonly run: RunDetail }) {
  const { run } = props;
  const { code } = run;
  const kind = run.tags['mlflow.source.type'];
  return (
    <Card title="Code">
      <Facts
        facts={[
          code?.entryPoint && [
            'Script',
            <span key="script" className="break-all font-mono text-label">
              {code.entryPoint}
            </span>,
          ],
          kind && ['Kind', kind.toLowerCase()],
          code?.commit && [
            'Commit',
            <span key="commit">
              <Id id={code.commit} text={code.commit.slice(0, 10)} />
              {code.isDirty && <span className="text-muted"> with changes that are not in it</span>}
            </span>,
          ],
          code?.branch && ['Branch', code.branch],
          code?.repoUrl && [
            'Repository',
            <span key="repository" className="break-all">
              {code.repoUrl}
            </span>,
          ],
          code?.python && ['Python', code.python],
          code?.platform && ['On', code.platform],
          run.stepRunId !== null && [
            'Started by',
            <Link key="step" to="/steps" search={{ step: run.stepRunId }} className="text-accent">
              a step of the loop
            </Link>,
          ],
          code !== null &&
            code.files.length > 0 && [
              'More',
              <ul key="files">
                {code.files.map((path) => (
                  <li key={path}>
                    <Link
                      to="/runs/$runId"
                      params={{ runId: run.id }}
                      search={{ tab: 'files', path }}
                      className="break-all text-accent"
                    >
                      {path}
                    </Link>
                  </li>
                ))}
              </ul>,
            ],
          run.user !== '' && ['By', run.user],
          [
            'Files at',
            <span key="uri" className="break-all font-mono text-label text-muted">
              {run.artifactUri}
            </span>,
          ],
        ]}
      />
    </Card>
  );
}
