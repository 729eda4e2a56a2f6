import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { IntervalDot } from '../../../../charts/draw/interval-dot.tsx';
import { StepDots } from '../../../../charts/draw/step-dots.tsx';
import { prepareIntervalScale } from '../../../../charts/prepare/interval-scale.ts';
import { formatPercent } from '../../../../kit/format.ts';
import { armStroke } from '../../../../kit/identity.tsx';
import { StateLabel } from '../../../../kit/state-mark.tsx';
import { Ago } from '../../../../kit/time.tsx';
import { sentence } from '../../../../kit/turn-text.ts';
import type { RolloutRow } from './rollout-rows.ts';

const DOT_WIDTH = 88;

/** Each rollout with how it stands, how far it went, and what its verdict rests on. */
export function RolloutList(props: { readonly rows: readonly RolloutRow[] }) {
  return (
    <ol className="@container flex flex-col" aria-label="Rollouts">
      {props.rows.map((row) => (
        <li
          key={row.key}
          className="relative grid gap-x-6 gap-y-2 border-line border-t px-4 py-3 transition-colors hover:bg-sunken @4xl:grid-cols-[minmax(0,260px)_180px_minmax(0,1fr)_max-content] @4xl:items-start"
        >
          <div className="flex min-w-0 flex-col gap-0.5">
            <RowLink row={row} />
            <span className="flex flex-wrap items-center gap-x-3 text-muted">
              <StateLabel state={row.state}>{row.word}</StateLabel>
            </span>
          </div>
          <div className="flex max-w-sm flex-col gap-1 @4xl:pt-1.5">
            {row.steps ? <StepDots steps={row.steps} /> : <Shares shares={row.shares ?? []} />}
          </div>
          <Verdict row={row} />
          <span className="text-label text-muted @4xl:text-right">
            {row.endedAt ? (
              <>
                ended <Ago at={row.endedAt} />
              </>
            ) : (
              <>
                began <Ago at={row.beganAt} />
              </>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}

/** The way to where it is shown in full; the whole row is its target. */
function RowLink(props: { readonly row: RolloutRow }) {
  const { row } = props;
  const search = 'turn' in row.of ? { turn: row.of.turn } : { rollout: row.of.rollout };
  return (
    <>
      <Link
        to="/endpoints/$endpoint"
        params={{ endpoint: row.endpoint }}
        search={search}
        data-tip={row.versions ?? undefined}
        className="font-strong after:absolute after:inset-0 hover:text-accent"
      >
        {row.title}
      </Link>
      <span className="truncate text-muted" data-tip={row.endpoint}>
        {'turn' in row.of ? row.of.label : row.endpoint}
      </span>
    </>
  );
}

/** Who has how much of the traffic, as one bar. */
function Shares(props: { readonly shares: NonNullable<RolloutRow['shares']> }): ReactNode {
  const text = props.shares.map(({ arm, share }) => `${arm} ${formatPercent(share)}`).join(', ');
  return (
    <span
      className="flex h-2 gap-0.5 overflow-hidden rounded-full"
      role="img"
      aria-label={text}
      data-tip={text}
    >
      {props.shares.map(({ arm, share }) => (
        <span key={arm} style={{ background: armStroke(arm).colour, width: `${share * 100}%` }} />
      ))}
    </span>
  );
}

/** The primary comparison as a mark round zero and in a sentence, what is still needed, and the reason where it says more. */
function Verdict(props: { readonly row: RolloutRow }) {
  const { verdict, comparison, needs, reason } = props.row;
  const names = props.row.arms;
  const isTold = verdict !== null && reason.toLowerCase().includes(verdict.toLowerCase());
  return (
    <div className="flex min-w-0 gap-x-4">
      {comparison && comparison.low !== null && <VerdictMark {...comparison} />}
      <div className="flex min-w-0 flex-1 flex-col gap-0.5">
        {verdict !== null && !isTold && <p>{sentence(verdict, names)}</p>}
        <p
          className={`line-clamp-2 ${verdict === null || isTold ? '' : 'text-muted'}`}
          data-tip={sentence(reason, names)}
        >
          {sentence(reason, names)}
        </p>
        {needs !== '' && !reason.includes(needs) && <p className="text-label text-muted">{needs}</p>}
      </div>
    </div>
  );
}

function VerdictMark(props: NonNullable<RolloutRow['comparison']>) {
  const { difference: value, low, high } = props;
  const row = { value, low, high };
  return (
    <span className="mt-px shrink-0 @max-xl:hidden">
      <IntervalDot
        row={row}
        scale={prepareIntervalScale([row], DOT_WIDTH)}
        width={DOT_WIDTH}
        goodWhen="positive"
      />
    </span>
  );
}
