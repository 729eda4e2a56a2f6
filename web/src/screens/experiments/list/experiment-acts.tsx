import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Pencil, Plus, RotateCcw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { Experiment } from '../../../../../src/lifecycle/experiments/contract.ts';
import { send } from '../../../api/client.ts';
import { Button, IconButton } from '../../../kit/button.tsx';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { TextField } from '../../../kit/fields.tsx';
import { TagsField } from '../../../kit/tags-field.tsx';
import { tagChanges, tagsText } from '../../../kit/tags-text.ts';

/** A button that asks for a name and makes an experiment of it. */
export function CreateExperiment() {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => send<Experiment>('POST', '/experiments', { name: name.trim() }),
    onSuccess: (made) => {
      setOpen(false);
      setName('');
      void queries.invalidateQueries({ queryKey: ['experiments'] });
      void navigate({ to: '/runs', search: { experiment: made.id } });
    },
  });
  return (
    <>
      <Button look="primary" icon={<Plus size={14} aria-hidden />} onClick={() => setOpen(true)}>
        New
      </Button>
      <ConfirmDialog
        open={open}
        title="New experiment"
        verb="Create"
        busy={create.isPending}
        disabled={name.trim() === ''}
        error={create.error}
        onClose={() => {
          setOpen(false);
          create.reset();
        }}
        onConfirm={() => create.mutate()}
      >
        <TextField label="Name" value={name} onChange={setName} />
      </ConfirmDialog>
    </>
  );
}

type Asked = 'change' | 'delete' | 'restore';

/** Name, tags and deleting, or restoring. */
export function ExperimentActs(props: { readonly experiment: Experiment }) {
  const { experiment } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const [name, setName] = useState(experiment.name);
  const [tags, setTags] = useState('');
  const queries = useQueryClient();
  const path = `/experiments/${encodeURIComponent(experiment.id)}`;
  const changes = tagChanges(experiment.tags, tags);
  const isRenamed = name.trim() !== experiment.name;
  const act = useMutation({
    mutationFn: () => {
      if (asked === 'change')
        return send<unknown>('PATCH', path, {
          ...(isRenamed ? { name: name.trim() } : {}),
          ...(Object.keys(changes).length > 0 ? { tags: changes } : {}),
        });
      if (asked === 'restore') return send<unknown>('POST', `${path}/restore`, {});
      return send<unknown>('DELETE', path);
    },
    onSuccess: () => {
      setAsked(null);
      void queries.invalidateQueries({ queryKey: ['experiments'] });
      void queries.invalidateQueries({ queryKey: ['runs'] });
    },
  });
  const ask = (what: Asked) => (): void => {
    setName(experiment.name);
    setTags(tagsText(experiment.tags));
    setAsked(what);
  };
  const verb = asked === 'change' ? 'Change' : asked === 'restore' ? 'Restore' : 'Delete';
  return (
    <span className="inline-flex">
      {experiment.lifecycleStage === 'deleted' ? (
        <IconButton label={`Restore ${experiment.name}`} onClick={ask('restore')}>
          <RotateCcw size={14} aria-hidden />
        </IconButton>
      ) : (
        <>
          <IconButton label={`Change ${experiment.name}`} onClick={ask('change')}>
            <Pencil size={14} aria-hidden />
          </IconButton>
          <IconButton label={`Delete ${experiment.name}`} onClick={ask('delete')}>
            <Trash2 size={14} aria-hidden />
          </IconButton>
        </>
      )}
      <ConfirmDialog
        open={asked !== null}
        title={asked === 'change' ? `Change ${experiment.name}` : `${verb} ${experiment.name}?`}
        verb={verb}
        look={asked === 'delete' ? 'danger' : 'primary'}
        busy={act.isPending}
        disabled={
          asked === 'change' && (name.trim() === '' || (!isRenamed && Object.keys(changes).length === 0))
        }
        error={act.error}
        onClose={() => {
          setAsked(null);
          act.reset();
        }}
        onConfirm={() => act.mutate()}
      >
        {asked === 'change' && (
          <>
            <TextField label="Name" value={name} onChange={setName} />
            <TagsField value={tags} onChange={setTags} />
          </>
        )}
        {asked === 'delete' &&
          'It and its runs leave the lists, and its name is free for another experiment. Metrics and files stay until they are purged: “Deleted” shows it for restoring.'}
        {asked === 'restore' && 'It and the runs that were deleted with it return to the lists.'}
      </ConfirmDialog>
    </span>
  );
}
