import { type ReactNode, useState } from 'react';
import type {
  ArmComparison,
  ArmSeen,
  BanditState,
  Guardrail,
  RolloutLook,
} from '../../../../src/loop/contract.ts';
import { ConfidenceSequence } from '../../charts/draw/confidence-sequence.tsx';
import type { Look } from '../../charts/prepare/confidence-sequence.ts';
import { byName } from '../by-name.ts';
import { EmptyLine } from '../empty.tsx';
import { Select } from '../fields.tsx';
import { formatNumber } from '../format.ts';
import { armStroke } from '../identity.tsx';
import { metricText } from '../metric.ts';
import { StateMark } from '../state-mark.tsx';
import { sentence } from '../turn-text.ts';
import { ArmsTable } from './arms-table.tsx';
import { BanditTables } from './bandit-tables.tsx';
import { ComparisonsTable } from './comparisons-table.tsx';
import { comparisonText, RAIL_STATE, withVersion } from './evidence-text.ts';
import { ShadowTable } from './shadow-table.tsx';

type EvidenceProps = {
  readonly model: string;
  readonly championVersion: string;
  /** The primary metric. */
  readonly metric: string;
  readonly look: Pick<RolloutLook, 'arms' | 'comparisons' | 'guardrails' | 'shadow'>;
  readonly bandit: BanditState | null;
  /** The course of a comparison, oldest look first. */
  readonly courseOf: (comparison: ArmComparison) => readonly Look[];
  readonly boundsOf: (
    comparison: ArmComparison,
  ) => readonly { readonly value: number; readonly label: string }[];
  /** Labelled outcomes that the primary comparison must rest on. */
  readonly need: number;
  readonly shareOf?: ((arm: ArmSeen) => string) | undefined;
  /** What it is the evidence of, for the names of its parts. */
  readonly of?: string;
  /** Why nothing is compared yet. */
  readonly nothing: ReactNode;
};

/** What a rollout's verdict rests on: is it better, is it safe, who answered what, and for whom. */
export function RolloutEvidence(props: EvidenceProps) {
  const { look, bandit, of = 'the rollout' } = props;
  const metrics = look.comparisons.filter((c) => c.segment === null);
  const segments = look.comparisons.filter((c) => c.segment !== null);
  const alone = metrics.every((metric) => metric.difference === null);
  const versions = new Map(look.arms.map((arm) => [arm.arm, arm.version]));
  const rails = look.guardrails.map((rail) => ({ ...rail, name: withVersion(rail.name, versions) }));
  return (
    <>
      <div className={`grid gap-x-8 gap-y-6 ${alone ? '' : 'lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]'}`}>
        <Better {...props} compared={metrics} versions={versions} />
        <section className="flex flex-col gap-2">
          <h3 className="flex min-h-7 items-center font-strong">Is it safe?</h3>
          <Guardrails rails={rails} wide={alone} />
        </section>
      </div>
      {look.arms.length > 0 && (
        <section className="flex min-w-0 flex-col gap-1">
          <h3 className="font-strong">Who answered what</h3>
          <ArmsTable
            of={of}
            model={props.model}
            arms={look.arms}
            metric={props.metric}
            shareOf={props.shareOf}
          />
        </section>
      )}
      {bandit && <BanditTables bandit={bandit} versions={versions} />}
      {metrics.length > 1 && (
        <ComparisonsTable of={of} title="Metrics" first="Metric" rows={metrics} versions={versions} />
      )}
      {segments.length > 0 && (
        <ComparisonsTable
          of={of}
          title="Protected segments"
          first="Segment"
          rows={segments.toSorted(bySegment)}
          versions={versions}
        />
      )}
      {look.shadow.length > 0 && (
        <section className="flex min-w-0 flex-col gap-1">
          <h3 className="font-strong">
            What copies say{' '}
            <span className="font-normal text-label text-muted">
              noise: what two halves of the champion’s own answers differ by
            </span>
          </h3>
          <ShadowTable of={of} rows={look.shadow} />
        </section>
      )}
    </>
  );
}

/** Values of a feature as people count them: 2 before 10, whatever came first. */
const bySegment = ({ segment: a }: ArmComparison, { segment: b }: ArmComparison): number =>
  byName(`${a?.feature} ${a?.value}`, `${b?.feature} ${b?.value}`);

/** Each guardrail with what it says; side by side where nothing stands beside them. */
function Guardrails(props: { readonly rails: readonly Guardrail[]; readonly wide: boolean }) {
  const { rails, wide } = props;
  if (rails.length <= RAILS_SHOWN) return <RailList rails={rails} wide={wide} />;
  const of = (verdict: Guardrail['verdict']) => rails.filter((rail) => rail.verdict === verdict);
  return (
    <div className="flex flex-col gap-2">
      <RailList rails={of('fail')} wide={wide} />
      {FOLDED_RAILS.map(([verdict, saying]) => (
        <FoldedRails key={verdict} rails={of(verdict)} wide={wide} saying={saying} />
      ))}
    </div>
  );
}

function FoldedRails(props: {
  readonly rails: readonly Guardrail[];
  readonly wide: boolean;
  readonly saying: (count: number) => string;
}) {
  const { rails, wide, saying } = props;
  const [first] = rails;
  if (!first) return null;
  return (
    <details>
      <summary className="mb-2">
        <StateMark state={RAIL_STATE[first.verdict]} /> {saying(rails.length)}
      </summary>
      <RailList rails={rails} wide={wide} />
    </details>
  );
}

/** Three for each of many arms: of so many checks, those that break none are folded away. */
const RAILS_SHOWN = 10;
const FOLDED_RAILS: readonly (readonly [Guardrail['verdict'], (count: number) => string])[] = [
  [
    'waiting',
    (count) => (count === 1 ? '1 check has too little yet' : `${count} checks have too little yet`),
  ],
  ['pass', (count) => (count === 1 ? '1 check holds' : `${count} checks hold`)],
];

function RailList(props: { readonly rails: readonly Guardrail[]; readonly wide: boolean }) {
  return (
    <ul className={`grid gap-x-8 gap-y-2 ${props.wide ? 'sm:grid-cols-2' : ''}`}>
      {props.rails.map((rail) => (
        <li key={rail.name} className="grid grid-cols-[12px_1fr] items-baseline gap-x-2.5">
          <StateMark state={RAIL_STATE[rail.verdict]} />
          <div>
            <span className="font-strong">{sentence(rail.name)}</span>
            <span className="block text-muted">{sentence(rail.reason)}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** The picture of one comparison over time, and which. */
function Better(
  props: EvidenceProps & {
    readonly compared: readonly ArmComparison[];
    readonly versions: ReadonlyMap<string, string>;
  },
) {
  const { compared, versions, championVersion, metric, need, nothing } = props;
  const [chosen, setChosen] = useState<string>();
  const keyOf = (c: ArmComparison): string => `${c.arm} ${c.metric}`;
  const shown = compared.find((c) => keyOf(c) === chosen) ?? compared.find((c) => c.metric === metric);
  const looks = shown ? props.courseOf(shown) : [];
  const version = shown && versions.get(shown.arm);
  const many = new Set(compared.map((c) => c.arm)).size > 1;
  const labelOf = (c: ArmComparison): string =>
    many ? `v${versions.get(c.arm)} ${c.arm}: ${metricText(c.metric).title}` : metricText(c.metric).title;
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <div className="flex min-h-7 flex-wrap items-center gap-x-3 gap-y-1">
        <h3 className="font-strong">Is {version ? `v${version}` : 'it'} better?</h3>
        {compared.length > 1 && (
          <span className="ml-auto">
            <Select
              label="Comparison"
              value={shown ? keyOf(shown) : ''}
              options={compared.map((c) => [keyOf(c), labelOf(c)] as const)}
              onChange={setChosen}
            />
          </span>
        )}
      </div>
      {shown && looks.length > 0 ? (
        <>
          <p>
            {comparisonText(shown, championVersion, version ?? shown.arm, shown.metric === metric ? need : 0)}
          </p>
          <p className="text-label text-muted">
            By how much v{version} is better than v{championVersion},{' '}
            {shown.compared === 'pairs' ? 'on the same requests' : 'each on its own requests'}; the{' '}
            {formatNumber((1 - shown.alpha) * 100)}
            {'\u202f'}% interval holds at any time. Across: labelled outcomes.
          </p>
          <ConfidenceSequence
            looks={looks}
            bounds={props.boundsOf(shown)}
            colour={armStroke(shown.arm).colour}
            {...(shown.metric === metric && need > 0 ? { need } : {})}
          />
        </>
      ) : (
        <EmptyLine>{nothing}</EmptyLine>
      )}
    </section>
  );
}
