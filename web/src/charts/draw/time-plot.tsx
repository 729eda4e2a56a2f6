import type { PointerEvent, ReactNode } from 'react';

/** The drawing of a chart along time, which tells at which moment the pointer stands; null outside of the plot. */
export function TimePlot(props: {
  readonly width: number;
  readonly height: number;
  readonly label: string;
  readonly chart: {
    readonly plot: { readonly x: number; readonly width: number };
    readonly timeAt: (x: number) => number;
  };
  readonly onHover: (atMs: number | null) => void;
  readonly children: ReactNode;
}) {
  const { chart, onHover } = props;
  return (
    <svg
      width={props.width}
      height={props.height}
      role="img"
      aria-label={props.label}
      className="block touch-pan-y overflow-visible"
      onPointerMove={(event: PointerEvent<SVGSVGElement>) => {
        const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
        onHover(x < chart.plot.x || x > chart.plot.x + chart.plot.width ? null : chart.timeAt(x));
      }}
      onPointerLeave={() => onHover(null)}
    >
      {props.children}
    </svg>
  );
}
