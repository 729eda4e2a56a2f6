import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import type { ModelVersion, RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { send } from '../../api/client.ts';
import { LEAVES_SCREEN } from '../../api/live.ts';
import { endpointsQuery } from '../../api/queries.ts';
import { Button, IconButton } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { TextField } from '../../kit/fields.tsx';
import { plural } from '../../kit/format.ts';

const modelPath = (name: string): string => `/registered-models/${encodeURIComponent(name)}`;

/** A pencil that opens a text for changing. */
export function EditText(props: {
  readonly title: string;
  readonly path: string;
  readonly field: string;
  readonly value: string;
}) {
  const { title, path, field, value } = props;
  const [open, setOpen] = useState(false);
  const [text, setText] = useState(value);
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: () => send<unknown>('PATCH', path, { [field]: text }),
    onSuccess: () => {
      setOpen(false);
      void queries.invalidateQueries({ queryKey: ['registry'] });
    },
  });
  return (
    <>
      <span className="inline-block align-middle">
        <IconButton
          label={`Change: ${title}`}
          onClick={() => {
            setText(value);
            setOpen(true);
          }}
        >
          <Pencil size={13} aria-hidden />
        </IconButton>
      </span>
      <ConfirmDialog
        open={open}
        title={title}
        verb="Save"
        busy={act.isPending}
        disabled={text === value}
        error={act.error}
        onClose={() => {
          setOpen(false);
          act.reset();
        }}
        onConfirm={() => act.mutate()}
      >
        <label className="flex flex-col gap-1">
          <span className="sr-only">{title}</span>
          <textarea
            value={text}
            rows={5}
            onChange={(event) => setText(event.target.value)}
            className="rounded-control border border-line-strong bg-surface px-2 py-1.5 text-text"
          />
        </label>
      </ConfirmDialog>
    </>
  );
}

/** Deletes a model for good; its name has to be typed. */
export function DeleteModel(props: { readonly model: RegisteredModel; readonly versionCount: number }) {
  const { model, versionCount } = props;
  const navigate = useNavigate();
  const router = useRouter();
  return (
    <DeleteButton
      title={`Delete ${model.name}?`}
      path={modelPath(model.name)}
      typed={model.name}
      effect={`The model and its ${plural(versionCount, 'version')} go for good, with their aliases. Endpoints that follow an alias of it keep what they serve but get nothing new.`}
      serves={(endpoint) => serves(endpoint, model.name, null)}
      prepare={() => router.preloadRoute({ to: '/models' })}
      onDone={() => void navigate({ to: '/models' })}
    />
  );
}

/** Deletes a version for good; its number has to be typed. */
export function DeleteVersion(props: { readonly version: ModelVersion }) {
  const { version } = props;
  const navigate = useNavigate();
  const router = useRouter();
  return (
    <DeleteButton
      title={`Delete ${version.name} v${version.version}?`}
      path={`${modelPath(version.name)}/versions/${version.version}`}
      typed={`v${version.version}`}
      effect={`The version goes for good${version.aliases.length > 0 ? `, and ${version.aliases.join(', ')} will point at nothing` : ''}. Its run and files stay.`}
      serves={(endpoint) => serves(endpoint, version.name, String(version.version))}
      prepare={() => router.preloadRoute({ to: '/models/$model', params: { model: version.name } })}
      onDone={() => void navigate({ to: '/models/$model', params: { model: version.name } })}
    />
  );
}

/** Has an arm or the shadow of an endpoint this version (null: any) of a model? */
function serves({ model, arms, shadow }: Endpoint, name: string, version: string | null): boolean {
  const served = [...arms, ...(shadow ? [shadow] : [])];
  return model === name && served.some(({ modelVersion }) => version === null || modelVersion === version);
}

/** Who goes on serving what is deleted. */
function ServedBy(props: { readonly serves: (endpoint: Endpoint) => boolean }) {
  const endpoints = useQuery(endpointsQuery());
  if (endpoints.isPending) return <p className="pt-2 text-muted">Looking which endpoints serve it …</p>;
  if (!endpoints.data) return <p className="pt-2">Which endpoints serve it cannot be told now.</p>;
  const names = endpoints.data.items.filter(props.serves).map(({ name }) => name);
  if (names.length === 0) return <p className="pt-2 text-muted">No endpoint serves it.</p>;
  const [verb, goes] = names.length === 1 ? ['serves', 'It goes'] : ['serve', 'They go'];
  return (
    <p className="wrap-anywhere pt-2">
      <strong className="font-strong">{new Intl.ListFormat('en').format(names)}</strong> {verb} it now. {goes}{' '}
      on answering with it, but it cannot be deployed anew.
    </p>
  );
}

function DeleteButton(props: {
  readonly title: string;
  readonly path: string;
  readonly typed: string;
  readonly effect: string;
  readonly serves: (endpoint: Endpoint) => boolean;
  /** Loads the screen that comes next, so that this one asks no more for what is gone. */
  readonly prepare: () => Promise<unknown>;
  readonly onDone: () => void;
}) {
  const { title, path, typed, effect, serves, prepare, onDone } = props;
  const [open, setOpen] = useState(false);
  const [text, setText] = useState('');
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: async () => {
      await prepare();
      return send<unknown>('DELETE', path);
    },
    meta: LEAVES_SCREEN,
    onSuccess: () => {
      setOpen(false);
      onDone();
      void queries.invalidateQueries({ queryKey: ['registry', 'list'] });
    },
  });
  return (
    <>
      <Button look="quiet" onClick={() => setOpen(true)}>
        Delete
      </Button>
      <ConfirmDialog
        open={open}
        title={title}
        verb="Delete"
        look="danger"
        busy={act.isPending}
        disabled={text !== typed}
        error={act.error}
        onClose={() => {
          setOpen(false);
          setText('');
          act.reset();
        }}
        onConfirm={() => act.mutate()}
      >
        {effect}
        <ServedBy serves={serves} />
        <TextField label={`Type ${typed} to confirm`} value={text} onChange={setText} />
      </ConfirmDialog>
    </>
  );
}
