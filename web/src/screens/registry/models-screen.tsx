import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ModelVersion, RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { modelsQuery, versionsQuery } from '../../api/queries.ts';
import { type State, worstState } from '../../charts/prepare/wheel.ts';
import { Empty } from '../../kit/empty.tsx';
import { shortId } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { type Identity, IdentitySwatch } from '../../kit/identity.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { QueryCard, QueryView } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';

/** Every registered model with its versions: who is champion, who may follow, who was refused. */
export function ModelsScreen() {
  const models = useQuery(modelsQuery());
  return (
    <Page>
      <PageHead
        title="Models"
        sentence="Versions that were registered, what their gates said, and which of them serves."
      />
      <QueryView
        query={models}
        rows={8}
        isEmpty={(page) => page.items.length === 0}
        empty={
          <Empty
            title="No model yet"
            type={`export MLFLOW_TRACKING_URI=${location.origin}\n\nmlflow.sklearn.log_model(model, name="model", input_example=X[:1],\n    registered_model_name="my-model")`}
          >
            A loop registers what it trains. By hand, your script does it:
          </Empty>
        }
      >
        {(page) => page.items.map((model) => <ModelCard key={model.name} model={model} />)}
      </QueryView>
    </Page>
  );
}

function ModelCard(props: { readonly model: RegisteredModel }) {
  const { model } = props;
  const versions = useQuery(versionsQuery(model.name));
  const navigate = useNavigate();
  return (
    <QueryCard
      title={model.name}
      note={model.description || undefined}
      query={versions}
      flush
      className="overflow-hidden"
    >
      {(page) => (
        <Grid
          label={`Versions of ${model.name}`}
          rows={page.items.toSorted((a, b) => b.version - a.version)}
          columns={COLUMNS}
          rowKey={(version) => String(version.version)}
          onOpen={(version) =>
            void navigate({
              to: '/models/$model/versions/$version',
              params: { model: version.name, version: String(version.version) },
            })
          }
        />
      )}
    </QueryCard>
  );
}

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

const COLUMNS: readonly GridColumn<ModelVersion>[] = [
  {
    id: 'version',
    head: 'Version',
    width: 'minmax(170px, 1fr)',
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
          <span className="truncate text-muted">{version.aliases.join(', ')}</span>
        </span>
      );
    },
  },
  {
    id: 'gates',
    head: 'Gates',
    width: '110px',
    cell: (version) =>
      version.gates.length === 0 ? (
        <span className="text-faint">not judged</span>
      ) : (
        <StateLabel state={worstState(version.gates.map((gate) => GATE_STATE[gate.verdict]))}>
          {gateWord(version)}
        </StateLabel>
      ),
  },
  {
    id: 'verdict',
    head: 'Why',
    width: 'minmax(240px, 3fr)',
    wideOnly: true,
    cell: (version) => {
      const worst =
        version.gates.find((gate) => gate.verdict === 'fail') ??
        version.gates.find((gate) => gate.verdict === 'unsure') ??
        version.gates.find((gate) => gate.gate?.against === 'champion') ??
        version.gates[1] ??
        version.gates[0];
      return <span className="text-muted">{worst?.reason ?? version.description}</span>;
    },
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
    width: '90px',
    align: 'right',
    cell: (version) => <Ago at={version.createdAt} className="text-muted" />,
  },
];
