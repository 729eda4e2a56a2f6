import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { BatchPrediction } from '../../../../../src/lifecycle/serving/batch/contract.ts';
import { apiUrl, post } from '../../../api/client.ts';
import { problemOf } from '../../../api/problem.ts';
import { datasetsQuery, datasetVersionsQuery, endpointsQuery, modelsQuery } from '../../../api/queries.ts';
import { digestOf } from '../../../api/sha256.ts';
import { Button } from '../../../kit/button.tsx';
import { ChooserField } from '../../../kit/chooser.tsx';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { CheckField, Choice, DateTimeField, SelectField, TextField } from '../../../kit/fields.tsx';
import { formatBytes, formatPercent } from '../../../kit/format.ts';
import { spanProblem } from '../../../kit/span.ts';
import { type BatchDraft, batchOf, type StoredFile, versionOf } from './batch-text.ts';

const HOUR_MS = 3_600_000;

/** Asks whose model scores which rows, sends the file if it is one, and begins. */
export function BeginBatch(props: { readonly onBegun: (id: string) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="primary" icon={<Plus size={14} aria-hidden />} onClick={() => setOpen(true)}>
        New batch
      </Button>
      {open && <BatchDialog onClose={() => setOpen(false)} onBegun={props.onBegun} />}
    </>
  );
}

const utc = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

function BatchDialog(props: { readonly onClose: () => void; readonly onBegun: (id: string) => void }) {
  const endpoints = useQuery(endpointsQuery());
  const models = useQuery(modelsQuery());
  const datasets = useQuery(datasetsQuery());
  const [draft, setDraft] = useState<BatchDraft>(() => ({
    by: 'endpoint',
    endpoint: '',
    version: '',
    source: 'file',
    datasetVersion: '',
    log: '',
    from: utc(Date.now() - HOUR_MS),
    to: utc(Date.now()),
    format: 'parquet',
    keep: '',
    intoLog: false,
  }));
  const [file, setFile] = useState<File | null>(null);
  const [dataset, setDataset] = useState('');
  const [progress, setProgress] = useState('');
  const names = (endpoints.data?.items ?? []).filter((each) => each.arms.length > 0).map((each) => each.name);
  const datasetName = dataset || datasets.data?.items[0]?.name || '';
  const versions = useQuery({ ...datasetVersionsQuery(datasetName), enabled: datasetName !== '' });
  const newest = (models.data?.items ?? []).flatMap((model) =>
    model.latestVersion === null ? [] : [`${model.name}/${model.latestVersion}`],
  );
  const endpoint = draft.endpoint || names[0] || '';
  const chosen: BatchDraft = {
    ...draft,
    by: endpoint === '' && endpoints.isSuccess ? 'version' : draft.by,
    endpoint,
    log: draft.log || endpoint,
    datasetVersion: draft.datasetVersion || versions.data?.items[0]?.id || '',
  };
  const set = (change: Partial<BatchDraft>): void => setDraft({ ...draft, ...change });
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: async () => {
      const stored = chosen.source === 'file' && file ? await store(file, setProgress) : null;
      setProgress('Asking');
      return post<BatchPrediction>('/batch-predictions', batchOf(chosen, stored));
    },
    onSuccess: (batch) => {
      void queries.invalidateQueries({ queryKey: ['batches'] });
      props.onClose();
      props.onBegun(batch.id);
    },
  });
  const span = spanProblem(chosen.from, chosen.to);
  const isReady =
    (chosen.by === 'version' ? versionOf(chosen.version) !== null : endpoint !== '') &&
    (chosen.source === 'file'
      ? file !== null
      : chosen.source === 'dataset'
        ? chosen.datasetVersion !== ''
        : chosen.log !== '' && chosen.from !== '' && chosen.to !== '' && !span);
  return (
    <ConfirmDialog
      open
      title="New batch"
      verb="Begin"
      busy={begin.isPending}
      disabled={!isReady}
      error={begin.error}
      onClose={props.onClose}
      onConfirm={() => begin.mutate()}
    >
      <TargetField
        draft={chosen}
        endpoints={names}
        onChange={(change) =>
          set(
            change.by === 'version' && draft.version === ''
              ? { version: newest[0] ?? '', ...change }
              : change,
          )
        }
      />
      <div className="flex flex-col gap-2">
        <span className="text-label">Which rows</span>
        <Choice
          label="Which rows"
          value={chosen.source}
          options={[
            ['file', 'A file'],
            ['dataset', 'A dataset'],
            ['log', 'The log'],
          ]}
          onChange={(source) => set({ source })}
        />
      </div>
      {chosen.source === 'file' && (
        <label className="flex flex-col gap-1">
          <span className="text-label">Parquet, or CSV with a header line</span>
          <input
            type="file"
            accept=".parquet,.csv,.tsv,text/csv"
            onChange={(event) => setFile(event.target.files?.[0] ?? null)}
            className="text-text file:mr-3 file:h-7 file:rounded-control file:border file:border-line-strong file:bg-surface file:px-2.5 file:text-text"
          />
          {file && (
            <span className="text-label text-muted">
              <bdi className="wrap-anywhere">{file.name}</bdi>, {formatBytes(file.size)}
            </span>
          )}
        </label>
      )}
      {chosen.source === 'dataset' &&
        (datasets.data?.items.length === 0 ? (
          <p>There is no dataset yet.</p>
        ) : (
          <div className="grid gap-3 sm:grid-cols-2">
            <ChooserField
              label="Dataset"
              value={datasetName}
              options={(datasets.data?.items ?? []).map((each) => [each.name, each.name] as const)}
              onChange={(name) => {
                setDataset(name);
                set({ datasetVersion: '' });
              }}
            />
            <ChooserField
              label="Version"
              value={chosen.datasetVersion}
              options={(versions.data?.items ?? []).map((each) => [each.id, `v${each.version}`] as const)}
              onChange={(datasetVersion) => set({ datasetVersion })}
            />
          </div>
        ))}
      {chosen.source === 'log' && (
        <>
          <ChooserField
            label="What this endpoint was asked"
            value={chosen.log}
            options={names.map((name) => [name, name] as const)}
            onChange={(log) => set({ log })}
          />
          <div className="grid gap-3 sm:grid-cols-2">
            <DateTimeField label="From" value={chosen.from} onChange={(from) => set({ from })} above />
            <DateTimeField
              label="Before"
              value={chosen.to}
              onChange={(to) => set({ to })}
              above
              problem={span}
            />
          </div>
        </>
      )}
      <div className="grid gap-3 sm:grid-cols-2">
        <SelectField
          label="The output is"
          value={chosen.format}
          options={[
            ['parquet', 'Parquet'],
            ['csv', 'CSV'],
          ]}
          onChange={(format) => set({ format })}
        />
        <TextField
          label="Columns kept beside the prediction"
          value={chosen.keep}
          placeholder="all that are no inputs"
          onChange={(keep) => set({ keep })}
        />
      </div>
      {chosen.by === 'endpoint' && (
        <CheckField
          label="Write the rows into the endpoint’s prediction log, so that labels can join them"
          checked={chosen.intoLog}
          onChange={(intoLog) => set({ intoLog })}
        />
      )}
      {begin.isPending && <p role="status">{progress}</p>}
    </ConfirmDialog>
  );
}

/** An endpoint's champion, or a version of a model, which is written as `model/version`. */
function TargetField(props: {
  readonly draft: BatchDraft;
  readonly endpoints: readonly string[];
  readonly onChange: (change: Partial<BatchDraft>) => void;
}) {
  const { draft, endpoints, onChange } = props;
  const isVersion = draft.by === 'version';
  const isWritten = draft.version.trim() === '' || versionOf(draft.version) !== null;
  return (
    <div className="grid items-start gap-3 sm:grid-cols-2">
      <ChooserField
        label="Scored by"
        value={isVersion ? '/' : draft.endpoint}
        options={[
          ...endpoints.map((name) => [name, `the champion of ${name}`] as const),
          ['/', 'a version of a model'] as const,
        ]}
        onChange={(target) =>
          onChange(target === '/' ? { by: 'version' } : { by: 'endpoint', endpoint: target })
        }
      />
      {isVersion && (
        <TextField
          label="Model and version"
          value={draft.version}
          placeholder="churn/3"
          problem={isWritten ? undefined : 'Write the model and the number of its version, as churn/3.'}
          onChange={(version) => onChange({ version })}
        />
      )}
    </div>
  );
}

/** Puts the file into the blob store, unless the same bytes are there. */
async function store(file: File, tell: (text: string) => void): Promise<StoredFile> {
  const digest = await digestOf(file, (share) => tell(`Reading ${file.name}: ${formatPercent(share, 0)}`));
  tell(`Sending ${formatBytes(file.size)}`);
  const response = await fetch(apiUrl(`/blobs/${digest}`), { method: 'PUT', body: file });
  if (!response.ok) throw await problemOf(response);
  return { digest, name: file.name };
}
