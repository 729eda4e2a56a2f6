import { Link, useNavigate } from '@tanstack/react-router';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { type State, worstState } from '../../charts/prepare/wheel.ts';
import { shortId } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { type Identity, IdentitySwatch } from '../../kit/identity.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { humane } from '../../kit/turn-text.ts';
import { REFIT_TAG } from './refit-tag.ts';

const GATE_STATE: Readonly<Record<ModelVersion['gates'][number]['verdict'], State>> = {
  pass: 'good',
  fail: 'bad',
  unsure: 'watch',
};

function gateWord(version: ModelVersion): string {
  const failed = version.gates.filter((gate) => gate.verdict === 'fail').length;
  const unsure = version.gates.filter((gate) => gate.verdict === 'unsure').length;
  if (failed > 0) return `${failed} failed`;
  return unsure > 0 ? `${unsure} unsure` : 'passed';
}

/** Versions of one model, newest first; with `onChoose` two of them can be chosen for a comparison. */
export function VersionsTable(props: {
  readonly versions: readonly ModelVersion[];
  readonly chosen?: readonly number[];
  readonly onChoose?: (versions: readonly number[]) => void;
}) {
  const { versions, chosen = [], onChoose } = props;
  const navigate = useNavigate();
  const rows = versions.toSorted((a, b) => b.version - a.version);
  const staged = versions.some((version) => version.stage !== 'None');
  const choose: GridColumn<ModelVersion> = {
    id: 'choose',
    head: <span className="sr-only">Choose</span>,
    width: '20px',
    cell: (version) => (
      <input
        type="checkbox"
        aria-label={`Choose v${version.version}`}
        checked={chosen.includes(version.version)}
        onChange={() =>
          onChoose?.(
            chosen.includes(version.version)
              ? chosen.filter((each) => each !== version.version)
              : [...chosen, version.version].slice(-2),
          )
        }
        className="size-3.5 accent-accent align-middle"
      />
    ),
  };
  return (
    <Grid
      label={`Versions of ${rows[0]?.name ?? 'the model'}`}
      rows={rows}
      columns={[
        ...(onChoose ? [choose] : []),
        ...COLUMNS.filter((column) => column.id !== 'stage' || staged),
      ]}
      rowKey={(version) => String(version.version)}
      onOpen={(version) =>
        void navigate({
          to: '/models/$model/versions/$version',
          params: { model: version.name, version: String(version.version) },
        })
      }
    />
  );
}

const COLUMNS: readonly GridColumn<ModelVersion>[] = [
  {
    id: 'version',
    head: 'Version',
    width: 'minmax(min(150px, 27vw), 1fr)',
    cell: (version) => {
      const alias = version.aliases.find(
        (each): each is Identity => each === 'champion' || each === 'challenger',
      );
      return (
        <span className="flex items-center gap-2">
          <Link
            to="/models/$model/versions/$version"
            params={{ model: version.name, version: String(version.version) }}
            className="font-strong hover:text-accent"
          >
            v{version.version}
          </Link>
          {alias && <IdentitySwatch identity={alias} />}
          <span className="truncate text-muted" data-tip={version.aliases.join(', ') || undefined}>
            {version.aliases.join(', ')}
          </span>
        </span>
      );
    },
  },
  {
    id: 'gates',
    head: 'Gates',
    width: '88px',
    cell: (version) => {
      const judged = version.tags[REFIT_TAG];
      if (version.gates.length === 0)
        return <span className="text-faint">{judged ? `as v${judged}` : 'not judged'}</span>;
      return (
        <StateLabel state={worstState(version.gates.map((gate) => GATE_STATE[gate.verdict]))}>
          {gateWord(version)}
        </StateLabel>
      );
    },
  },
  {
    id: 'verdict',
    head: 'Why',
    width: 'minmax(200px, 3fr)',
    wideOnly: true,
    cell: (version) => {
      const worst =
        version.gates.find((gate) => gate.verdict === 'fail') ??
        version.gates.find((gate) => gate.verdict === 'unsure') ??
        version.gates.find((gate) => gate.gate?.against === 'champion') ??
        version.gates[1] ??
        version.gates[0];
      const text = worst ? humane(worst.reason) : version.description;
      return (
        <span className="text-muted" data-tip={text.length > 40 ? text : undefined}>
          {text}
        </span>
      );
    },
  },
  {
    id: 'stage',
    head: 'Stage',
    width: '96px',
    wideOnly: true,
    cell: (version) => (
      <span className="text-muted">{version.stage === 'None' ? '' : version.stage.toLowerCase()}</span>
    ),
  },
  {
    id: 'run',
    head: 'Run',
    width: '88px',
    wideOnly: true,
    cell: (version) =>
      version.sourceRunId ? (
        <Link
          to="/runs/$runId"
          params={{ runId: version.sourceRunId }}
          className="font-mono text-label text-muted hover:text-accent"
        >
          {version.sourceRunId.slice(0, 8)}
        </Link>
      ) : (
        <span className="text-faint">–</span>
      ),
  },
  {
    id: 'digest',
    head: 'Digest',
    width: '100px',
    wideOnly: true,
    cell: (version) =>
      version.digest ? (
        <Id id={version.digest} text={shortId(version.digest)} />
      ) : (
        <span className="text-faint">not packaged</span>
      ),
  },
  {
    id: 'created',
    head: 'Registered',
    width: 'minmax(72px, 90px)',
    align: 'right',
    cell: (version) => <Ago at={version.createdAt} className="text-muted" />,
  },
];
