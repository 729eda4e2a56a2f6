import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import type { DeployVersionInput } from '../../../../src/loop/contract.ts';
import { makeServable } from '../../api/make-servable.ts';
import { refusalAt } from '../../api/problem.ts';
import { endpointsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { ReasonField, SelectField, TextField } from '../../kit/fields.tsx';

type Runtime = NonNullable<DeployVersionInput['runtime']>;

/** Gives the version all traffic of an endpoint, or with `packageOnly` only makes it servable. */
export function DeployVersion(props: { readonly version: ModelVersion; readonly packageOnly?: boolean }) {
  const { version, packageOnly = false } = props;
  const [open, setOpen] = useState(false);
  const [endpoint, setEndpoint] = useState(version.name);
  const [runtime, setRuntime] = useState<Runtime>('auto');
  const [reason, setReason] = useState('');
  const [progress, setProgress] = useState('');
  const stop = useRef<AbortController>(null);
  const endpoints = useQuery({ ...endpointsQuery(), enabled: open });
  const queries = useQueryClient();
  const deploy = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      const { name: model, version: number } = version;
      const wanted: DeployVersionInput = {
        model,
        version: number,
        reason: reason.trim(),
        ...(packageOnly ? { packageOnly } : { endpoint: endpoint.trim() }),
        ...(version.digest === null ? { runtime } : {}),
      };
      return makeServable(wanted, stop.current.signal, setProgress);
    },
    onSuccess: () => {
      if (packageOnly) close();
      void queries.invalidateQueries();
    },
  });
  useEffect(() => () => stop.current?.abort(), []);
  const close = (): void => {
    stop.current?.abort();
    setOpen(false);
    setReason('');
    setProgress('');
    deploy.reset();
  };
  const there = endpoints.data?.items.find((each) => each.name === endpoint.trim());
  const answering = there?.arms.find((arm) => arm.arm === 'champion')?.modelVersion;
  const refusal = refusalAt(deploy.error, packageOnly ? ['reason'] : ['endpoint', 'reason']);
  const title = `${packageOnly ? 'Package' : 'Deploy'} v${version.version}`;
  return (
    <>
      <Button onClick={() => setOpen(true)}>{packageOnly ? 'Package' : 'Deploy'}</Button>
      <ConfirmDialog
        open={open}
        title={title}
        verb={deploy.data ? 'Done' : packageOnly ? 'Package' : 'Deploy'}
        busy={deploy.isPending}
        disabled={!deploy.data && (reason.trim() === '' || (!packageOnly && endpoint.trim() === ''))}
        error={refusal.rest}
        onClose={close}
        onConfirm={() => (deploy.data ? close() : deploy.mutate())}
      >
        {deploy.data ? (
          <p>
            v{version.version} answers everything at{' '}
            <Link
              to="/endpoints/$endpoint"
              params={{ endpoint: deploy.data.endpoint }}
              className="text-accent underline"
            >
              {deploy.data.endpoint}
            </Link>
            .
          </p>
        ) : (
          <>
            {!packageOnly && (
              <TextField
                label="Endpoint"
                value={endpoint}
                onChange={setEndpoint}
                problem={refusal.at.endpoint}
              />
            )}
            <p>{effect(version, packageOnly, endpoint.trim(), answering)}</p>
            {version.digest === null && (
              <SelectField
                label="What computes it"
                value={runtime}
                options={[
                  ['auto', 'ONNX where that is as good, else Python'],
                  ['onnx', 'ONNX, or nothing'],
                  ['python', 'Python, the model itself'],
                ]}
                onChange={setRuntime}
              />
            )}
            <ReasonField
              value={reason}
              onChange={setReason}
              placeholder="For instance: the first version that passed"
              problem={refusal.at.reason}
            />
            {deploy.isPending && <p role="status">{progress || 'Asking'}</p>}
          </>
        )}
      </ConfirmDialog>
    </>
  );
}

function effect(
  version: ModelVersion,
  packageOnly: boolean,
  endpoint: string,
  answering: string | undefined,
): string {
  const name = `v${version.version}`;
  if (packageOnly) return `${name} is made servable. No traffic changes.`;
  const packaging = version.digest === null ? ', once it is packaged' : '';
  if (answering === String(version.version)) return `${name} answers everything at ${endpoint} already.`;
  return answering === undefined
    ? `${name} answers everything at the endpoint ${endpoint}${packaging}.`
    : `All traffic of ${endpoint} goes from v${answering} to ${name} at once${packaging}. To give it a little first, begin a rollout there instead.`;
}
