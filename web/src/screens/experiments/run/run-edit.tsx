import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { mlflow } from '../../../api/client.ts';
import { IconButton } from '../../../kit/button.tsx';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { TextField } from '../../../kit/fields.tsx';
import { LinesField, TagsField } from '../../../kit/tags-field.tsx';
import { tagChanges, tagsText } from '../../../kit/tags-text.ts';

/** The tag in which MLflow's clients keep what a person wrote about a run, as Markdown. */
export const NOTE_TAG = 'mlflow.note.content';

/** A pencil that opens a run's name, note and tags for changing. */
export function EditRun(props: { readonly run: RunDetail }) {
  const { run } = props;
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [note, setNote] = useState('');
  const [tags, setTags] = useState('');
  const queries = useQueryClient();
  const before = run.tags[NOTE_TAG] ?? '';
  const changes = Object.entries({
    ...tagChanges(run.tags, tags),
    ...(note.trim() === before.trim() ? {} : { [NOTE_TAG]: note.trim() === '' ? null : note }),
  });
  const isRenamed = name.trim() !== run.name;
  const change = useMutation({
    mutationFn: async () => {
      const of = { run_id: run.id };
      if (isRenamed) await mlflow('POST', 'runs/update', { ...of, run_name: name.trim() });
      for (const [key, value] of changes) {
        if (value === null) await mlflow('POST', 'runs/delete-tag', { ...of, key });
        else await mlflow('POST', 'runs/set-tag', { ...of, key, value });
      }
    },
    onSuccess: () => setOpen(false),
    // What was changed before one of them failed is changed.
    onSettled: () => void queries.invalidateQueries({ queryKey: ['runs'] }),
  });
  return (
    <>
      <IconButton
        label="Change name, note and tags"
        onClick={() => {
          setName(run.name);
          setNote(before);
          setTags(tagsText(run.tags));
          setOpen(true);
        }}
      >
        <Pencil size={13} aria-hidden />
      </IconButton>
      <ConfirmDialog
        open={open}
        title={`Change ${run.name}`}
        verb="Change"
        busy={change.isPending}
        disabled={name.trim() === '' || (!isRenamed && changes.length === 0)}
        error={change.error}
        onClose={() => {
          setOpen(false);
          change.reset();
        }}
        onConfirm={() => change.mutate()}
      >
        <TextField label="Name" value={name} onChange={setName} />
        <LinesField label="Note (Markdown)" value={note} onChange={setNote} rows={4} />
        <TagsField value={tags} onChange={setTags} />
      </ConfirmDialog>
    </>
  );
}
