import type { CurveX } from '../../charts/prepare/curves.ts';
import { Choice } from '../../kit/fields.tsx';

/** How curves are drawn: over what, on which axis, and how smooth (0 to 0.99, as the weight of what came before). */
export interface CurveSettings {
  readonly x: CurveX;
  readonly logY: boolean;
  readonly smoothing: number;
}

/** The controls above curves. */
export function CurveControls(
  props: CurveSettings & { readonly onChange: (change: Partial<CurveSettings>) => void },
) {
  const { x, logY, smoothing, onChange } = props;
  return (
    <>
      <Choice<CurveX>
        label="Horizontal axis"
        value={x}
        options={[
          ['step', 'Step'],
          ['relative', 'Relative'],
          ['time', 'Time'],
        ]}
        onChange={(next) => onChange({ x: next })}
      />
      <label className="inline-flex items-center gap-2">
        <input
          type="checkbox"
          checked={logY}
          onChange={(event) => onChange({ logY: event.target.checked })}
          className="size-3.5 accent-accent"
        />
        Log axis
      </label>
      <label className="inline-flex items-center gap-2">
        Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          onChange={(event) => onChange({ smoothing: Number(event.target.value) })}
          className="w-28 accent-accent"
        />
        <span className="w-8 text-muted">{smoothing.toFixed(2)}</span>
      </label>
    </>
  );
}
