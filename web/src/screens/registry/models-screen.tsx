import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { versionsQuery } from '../../api/queries.ts';
import { foundModelsQuery } from '../../api/registry.ts';
import { Empty } from '../../kit/empty.tsx';
import { SearchField } from '../../kit/fields.tsx';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { IdentitySwatch } from '../../kit/identity.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { Ago } from '../../kit/time.tsx';
import { VersionsTable } from './versions-table.tsx';

const route = getRouteApi('/models');
const CARDS_UP_TO = 3;

/** Every registered model: who is champion, who may follow, who was refused. */
export function ModelsScreen() {
  const { query = '' } = route.useSearch();
  const navigate = useNavigate({ from: '/models' });
  const models = useQuery(foundModelsQuery(query));
  const setQuery = useCallback(
    (next: string) => void navigate({ search: next ? { query: next } : {}, replace: true }),
    [navigate],
  );
  const many = (models.data?.items.length ?? 0) > CARDS_UP_TO || query !== '';
  return (
    <Page>
      <PageHead
        title="Models"
        sentence="Versions that were registered, what their gates said, and which of them serves."
        actions={
          many && (
            <SearchField
              label="Search models"
              placeholder="part of a name"
              value={query}
              onChange={setQuery}
            />
          )
        }
      />
      <QueryView
        query={models}
        rows={8}
        isEmpty={(page) => page.items.length === 0}
        empty={
          query ? (
            <Empty title="No model of this name" />
          ) : (
            <Empty
              title="No model yet"
              type={`export MLFLOW_TRACKING_URI=${location.origin}\n\nmlflow.sklearn.log_model(model, name="model", input_example=X[:1],\n    registered_model_name="my-model")`}
            >
              A loop registers what it trains. By hand, your script does it:
            </Empty>
          )
        }
      >
        {(page) =>
          many ? (
            <Card flush className="overflow-clip">
              <Grid
                label="Models"
                rows={page.items}
                columns={COLUMNS}
                rowKey={(model) => model.name}
                onOpen={(model) => void navigate({ to: '/models/$model', params: { model: model.name } })}
                footer={page.next === null ? undefined : `The first ${page.items.length}; search for others`}
              />
            </Card>
          ) : (
            page.items.map((model) => <ModelCard key={model.name} model={model} />)
          )
        }
      </QueryView>
    </Page>
  );
}

const COLUMNS: readonly GridColumn<RegisteredModel>[] = [
  {
    id: 'name',
    head: 'Model',
    width: 'minmax(140px, 2fr)',
    cell: (model) => (
      <Link
        to="/models/$model"
        params={{ model: model.name }}
        className="font-strong hover:text-accent"
        data-tip={model.name.length > 26 ? model.name : undefined}
      >
        {model.name}
      </Link>
    ),
  },
  {
    id: 'champion',
    head: 'Champion',
    width: 'minmax(84px, 110px)',
    cell: (model) =>
      model.aliases.champion === undefined ? (
        <span className="text-faint">none</span>
      ) : (
        <span className="inline-flex items-center gap-2">
          <IdentitySwatch identity="champion" />v{model.aliases.champion}
        </span>
      ),
  },
  {
    id: 'aliases',
    head: 'Other aliases',
    width: 'minmax(120px, 1fr)',
    wideOnly: true,
    cell: (model) => {
      const text = Object.entries(model.aliases)
        .filter(([alias]) => alias !== 'champion')
        .map(([alias, version]) => `${alias} v${version}`)
        .join(', ');
      return (
        <span className="text-muted" data-tip={text.length > 20 ? text : undefined}>
          {text}
        </span>
      );
    },
  },
  {
    id: 'description',
    head: 'Description',
    width: 'minmax(160px, 2fr)',
    wideOnly: true,
    cell: (model) => (
      <span
        className="text-muted"
        data-tip={model.description.length > 40 ? model.description.slice(0, 600) : undefined}
      >
        {model.description}
      </span>
    ),
  },
  {
    id: 'latest',
    head: 'Latest',
    width: '64px',
    align: 'right',
    cell: (model) =>
      model.latestVersion === null ? <span className="text-faint">–</span> : `v${model.latestVersion}`,
  },
  {
    id: 'updated',
    head: 'Changed',
    width: '90px',
    align: 'right',
    wideOnly: 480,
    cell: (model) => <Ago at={model.updatedAt} className="text-muted" />,
  },
];

function ModelCard(props: { readonly model: RegisteredModel }) {
  const { model } = props;
  const versions = useQuery(versionsQuery(model.name));
  return (
    <QueryCard
      title={
        <Link to="/models/$model" params={{ model: model.name }} className="hover:text-accent">
          {model.name}
        </Link>
      }
      note={model.description || undefined}
      query={versions}
      flush
      className="overflow-clip"
    >
      {(page) =>
        page.items.length === 0 ? (
          <p className="px-4 pb-3 text-muted">No version has been registered under this name.</p>
        ) : (
          <VersionsTable versions={page.items} />
        )
      }
    </QueryCard>
  );
}
