import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import type { LabelUpload } from '../../../../src/lifecycle/feedback/contract.ts';
import { apiUrl } from '../../api/client.ts';
import { problemOf } from '../../api/problem.ts';
import { labelUploadsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { ProblemNote } from '../../kit/panel.tsx';

/** Sends a file of labels as `millrace labels` does; what came of its rows stands in the list of files. */
export function SendLabels(props: { readonly endpoint: string }) {
  const { endpoint } = props;
  const input = useRef<HTMLInputElement>(null);
  const queries = useQueryClient();
  const upload = useMutation({
    mutationFn: (file: File) => sendFile(endpoint, file),
    onSettled: () => queries.invalidateQueries({ queryKey: labelUploadsQuery(endpoint).queryKey }),
  });
  return (
    <div className="flex flex-col gap-2 print:hidden">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <input
          ref={input}
          type="file"
          accept=".csv,.tsv,.txt,.parquet"
          aria-label="File of labels"
          className="sr-only"
          tabIndex={-1}
          onChange={({ currentTarget }) => {
            const file = currentTarget.files?.[0];
            // So that the same file can be chosen again once it was mended.
            currentTarget.value = '';
            if (file) upload.mutate(file);
          }}
        />
        <Button disabled={upload.isPending} onClick={() => input.current?.click()}>
          Send a file
        </Button>
        <span role="status" className="text-muted">
          <bdi className="wrap-anywhere">{said(upload)}</bdi>
        </span>
      </div>
      <p className="text-label text-muted">
        CSV or Parquet with the columns <code>prediction_id</code>, <code>value</code> and{' '}
        <code>event_time</code>; in place of the first, <code>entity</code> and <code>at</code>, when it was
        predicted.
      </p>
      {upload.error !== null && <ProblemNote error={upload.error} />}
    </div>
  );
}

/** Which file is under way, was taken or was not: the list below knows files by their time and rows alone. */
function said({
  status,
  variables,
}: {
  readonly status: string;
  readonly variables: File | undefined;
}): string {
  if (!variables) return '';
  if (status === 'pending') return `Sending ${variables.name}`;
  return status === 'success'
    ? `Sent ${variables.name}; its rows stand below.`
    : `Not sent: ${variables.name}`;
}

async function sendFile(endpoint: string, file: File): Promise<LabelUpload> {
  const format = /\.parquet$/i.test(file.name) ? 'parquet' : 'csv';
  const response = await fetch(apiUrl('/label-uploads', { endpoint, format }), {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/octet-stream' },
    body: file,
  });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as LabelUpload;
}
