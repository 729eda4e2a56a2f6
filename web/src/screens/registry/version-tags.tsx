import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Tags } from 'lucide-react';
import { useState } from 'react';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { mlflow } from '../../api/client.ts';
import { IconButton } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { SelectField } from '../../kit/fields.tsx';
import { TagsField } from '../../kit/tags-field.tsx';
import { tagChanges, tagsText } from '../../kit/tags-text.ts';

const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const;
type Stage = (typeof STAGES)[number];

/** Tags of a version as lines of text, and its stage in MLflow's sense. */
export function EditVersionTags(props: { readonly version: ModelVersion }) {
  const { version } = props;
  const [open, setOpen] = useState(false);
  const [tags, setTags] = useState('');
  const [stage, setStage] = useState<Stage>('None');
  const queries = useQueryClient();
  const changes = tagChanges(version.tags, tags);
  const isMoved = stage !== version.stage;
  const change = useMutation({
    mutationFn: async () => {
      const of = { name: version.name, version: String(version.version) };
      for (const [key, value] of Object.entries(changes)) {
        if (value === null) await mlflow('DELETE', 'model-versions/delete-tag', { ...of, key });
        else await mlflow('POST', 'model-versions/set-tag', { ...of, key, value });
      }
      if (isMoved) {
        const moved = { ...of, stage, archive_existing_versions: false };
        await mlflow('POST', 'model-versions/transition-stage', moved);
      }
    },
    onSuccess: () => setOpen(false),
    // What was changed before one of them failed is changed.
    onSettled: () => void queries.invalidateQueries({ queryKey: ['registry'] }),
  });
  return (
    <>
      <IconButton
        label="Change tags and stage"
        onClick={() => {
          setTags(tagsText(version.tags));
          setStage(STAGES.find((each) => each === version.stage) ?? 'None');
          setOpen(true);
        }}
      >
        <Tags size={14} aria-hidden />
      </IconButton>
      <ConfirmDialog
        open={open}
        title={`Tags and stage of v${version.version}`}
        verb="Change"
        busy={change.isPending}
        disabled={!isMoved && Object.keys(changes).length === 0}
        error={change.error}
        onClose={() => {
          setOpen(false);
          change.reset();
        }}
        onConfirm={() => change.mutate()}
      >
        <TagsField value={tags} onChange={setTags} />
        <SelectField
          label="Stage (of older scripts; aliases take its place)"
          value={stage}
          options={STAGES.map((each) => [each, each.toLowerCase()] as const)}
          onChange={setStage}
        />
      </ConfirmDialog>
    </>
  );
}
