import { Plus, X } from 'lucide-react';
import { Button, IconButton } from '../../../kit/button.tsx';
import { SelectField, TextField } from '../../../kit/fields.tsx';
import type { ArmDraft } from './plan-draft.ts';

const MOST_ARMS = 19;
const NAMES = 'bcdefghijklmnopqrstu';

/** The arms of an A/B or a bandit beside the champion: name, version and, where it is fixed, the share. */
export function ArmRows(props: {
  readonly arms: readonly ArmDraft[];
  readonly versions: readonly (readonly [version: string, text: string])[];
  readonly withPercent: boolean;
  readonly onChange: (arms: readonly ArmDraft[]) => void;
}) {
  const { arms, versions, withPercent, onChange } = props;
  const set = (key: number, change: Partial<ArmDraft>): void =>
    onChange(arms.map((arm) => (arm.key === key ? { ...arm, ...change } : arm)));
  const add = (): void => {
    const used = new Set(arms.map((arm) => arm.arm));
    const unused = versions.find(([version]) => arms.every((arm) => arm.version !== version));
    onChange([
      ...arms,
      {
        key: Math.max(0, ...arms.map((arm) => arm.key)) + 1,
        arm: [...NAMES].find((name) => !used.has(name)) ?? '',
        version: unused?.[0] ?? versions[0]?.[0] ?? '',
        percent: '10',
      },
    ]);
  };
  return (
    <div className="flex flex-col gap-3">
      {arms.map((arm, index) => (
        <div
          key={arm.key}
          className={`grid items-end gap-x-3 gap-y-1 ${withPercent ? 'grid-cols-[minmax(0,1fr)_minmax(0,2fr)_minmax(0,1fr)_28px]' : 'grid-cols-[minmax(0,1fr)_minmax(0,3fr)_28px]'}`}
        >
          <TextField
            label={index === 0 ? 'Arm' : `Arm ${index + 1}`}
            value={arm.arm}
            onChange={(name) => set(arm.key, { arm: name })}
          />
          <SelectField
            label="Version"
            value={arm.version}
            options={versions}
            onChange={(version) => set(arm.key, { version })}
          />
          {withPercent && (
            <TextField
              label="Share"
              unit="%"
              value={arm.percent}
              onChange={(percent) => set(arm.key, { percent })}
            />
          )}
          <IconButton
            label={`Leave arm ${arm.arm} out`}
            disabled={arms.length === 1}
            onClick={() => onChange(arms.filter((each) => each.key !== arm.key))}
            className="disabled:opacity-40"
          >
            <X size={14} aria-hidden />
          </IconButton>
        </div>
      ))}
      {arms.length < MOST_ARMS && (
        <div>
          <Button icon={<Plus size={14} aria-hidden />} onClick={add}>
            Another arm
          </Button>
        </div>
      )}
    </div>
  );
}
