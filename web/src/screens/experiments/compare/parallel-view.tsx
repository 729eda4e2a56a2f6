import { X } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { useWidth } from '../../../charts/draw/use-width.ts';
import { Button, IconButton } from '../../../kit/button.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { plural } from '../../../kit/format.ts';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import type { CompareSearch } from '../search.ts';
import type { SetCompare } from './compare-screen.tsx';
import { mainMetric, mainParams } from './defaults.ts';
import { OperandField } from './operand-field.tsx';
import { type Operand, operandTitle, useOperands } from './operands.ts';
import { type Brush, ParallelPlot } from './parallel-plot.tsx';
import { packRunIds } from './run-ids.ts';
import { useKeys } from './use-keys.ts';

const AXIS_PX = 110;

/** Each run as a line over many axes; dragging along an axis keeps the runs that cross there. */
export function ParallelView(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { runs, search, set } = props;
  const metrics = useKeys(runs, 'metric', '', 60);
  const suggested = useMemo(() => {
    const metric = mainMetric(metrics.keys);
    return [...mainParams(runs, 5), ...(metric === undefined ? [] : [`last(${metric})`])];
  }, [runs, metrics.keys]);
  const axes = search.axes?.split(',').filter(Boolean) ?? suggested;
  const { query, operands } = useOperands(runs, axes);
  const [brushes, setBrushes] = useState<Readonly<Record<string, Brush>>>({});
  const kept = useMemo(
    () =>
      runs.map((_, index) =>
        operands.every((operand) => {
          const brush = brushes[operand.text];
          const value = operand.axis.values[index] ?? null;
          return !brush || (value !== null && value >= brush.low && value <= brush.high);
        }),
      ),
    [runs, operands, brushes],
  );
  const count = kept.filter(Boolean).length;
  const brushed = Object.keys(brushes).length > 0;
  const setAxes = (next: readonly string[]): void => set({ axes: next.join(',') });
  return (
    <Card
      title={`${plural(count, 'run')}${brushed ? ` of ${runs.length}` : ''}`}
      note="drag along an axis to keep the runs that cross there; coloured by the last axis"
      actions={
        <span className="flex flex-wrap items-center gap-2">
          {brushed && (
            <>
              <Button onClick={() => setBrushes({})}>All runs again</Button>
              {count > 0 && (
                <Button
                  look="primary"
                  onClick={() =>
                    set({ runs: packRunIds(runs.filter((_, index) => kept[index]).map((run) => run.id)) })
                  }
                >
                  Keep these {count}
                </Button>
              )}
            </>
          )}
          <OperandField
            label="Add an axis"
            runs={runs}
            value=""
            placeholder="params.lr"
            onChange={(text) => text && !axes.includes(text) && setAxes([...axes, text])}
          />
        </span>
      }
    >
      <QueryView query={query} rows={8}>
        {() =>
          operands.length < 2 ? (
            <EmptyLine>Two axes at least: add a param or a metric.</EmptyLine>
          ) : (
            <Axes
              runs={runs}
              operands={operands}
              kept={kept}
              brushes={brushes}
              onBrushes={setBrushes}
              onLeaveOut={(text) => setAxes(axes.filter((each) => each !== text))}
            />
          )
        }
      </QueryView>
    </Card>
  );
}

/** The plot with the names of its axes below. */
function Axes(props: {
  readonly runs: readonly Run[];
  readonly operands: readonly Operand[];
  readonly kept: readonly boolean[];
  readonly brushes: Readonly<Record<string, Brush>>;
  readonly onBrushes: (brushes: Readonly<Record<string, Brush>>) => void;
  readonly onLeaveOut: (text: string) => void;
}) {
  const { runs, operands, kept, brushes, onBrushes, onLeaveOut } = props;
  const [logs, setLogs] = useState<ReadonlySet<string>>(new Set());
  const [box, width] = useWidth<HTMLDivElement>();
  return (
    <div ref={box}>
      <Scroll label="Parallel coordinates">
        <ParallelPlot
          runs={runs}
          operands={operands}
          kept={kept}
          brushes={brushes}
          logs={logs}
          width={Math.max(width, operands.length * AXIS_PX)}
          onBrush={(text, brush) => {
            const { [text]: _gone, ...rest } = brushes;
            onBrushes(brush ? { ...rest, [text]: brush } : rest);
          }}
        />
        <ul aria-label="Axes" className="flex" style={{ width: Math.max(width, operands.length * AXIS_PX) }}>
          {operands.map((operand) => (
            <li key={operand.text} className="flex min-w-0 flex-1 flex-col items-center px-1">
              <span className="flex max-w-full items-center">
                <span className="min-w-0 truncate font-strong" data-tip={operand.text}>
                  {operandTitle(operand.column)}
                </span>
                <IconButton label={`Leave out ${operand.text}`} onClick={() => onLeaveOut(operand.text)}>
                  <X size={12} aria-hidden />
                </IconButton>
              </span>
              {operand.axis.kind === 'number' && operand.axis.low > 0 && (
                <label className="inline-flex items-center gap-1 text-label text-muted">
                  <input
                    type="checkbox"
                    checked={logs.has(operand.text)}
                    onChange={() => {
                      const next = new Set(logs);
                      if (!next.delete(operand.text)) next.add(operand.text);
                      setLogs(next);
                    }}
                    className="size-3 accent-accent"
                  />
                  log
                </label>
              )}
            </li>
          ))}
        </ul>
      </Scroll>
    </div>
  );
}
