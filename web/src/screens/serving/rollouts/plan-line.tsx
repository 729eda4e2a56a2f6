import { TextField } from '../../../kit/fields.tsx';
import type { PlanDraft, TextMember } from './plan-draft.ts';

type Change = (draft: PlanDraft) => void;

export type FormProps = {
  readonly draft: PlanDraft;
  readonly onChange: Change;
  /** Versions that may be chosen, newest first, with what stands beside them. */
  readonly versions: readonly (readonly [version: string, text: string])[];
  /** Names of the model's inputs. */
  readonly features: readonly string[];
};

export const GRID = 'grid grid-cols-2 items-end gap-x-4 gap-y-3 sm:grid-cols-3';

/** A line of text of the draft. */
export function Line(props: {
  readonly of: FormProps;
  readonly name: TextMember;
  readonly label: string;
  readonly unit?: string;
  readonly empty?: string;
}) {
  const { draft, onChange } = props.of;
  return (
    <TextField
      label={props.label}
      value={draft[props.name]}
      onChange={(value) => onChange({ ...draft, [props.name]: value })}
      {...(props.unit === undefined ? {} : { unit: props.unit })}
      {...(props.empty === undefined ? {} : { placeholder: props.empty })}
    />
  );
}
