import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { ModelVersion, RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { modelQuery, versionsQuery } from '../../api/queries.ts';
import { historyQuery } from '../../api/registry.ts';
import { Button } from '../../kit/button.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { plural } from '../../kit/format.ts';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { Ago } from '../../kit/time.tsx';
import { AliasesCard } from './aliases-card.tsx';
import { Description } from './description.tsx';
import { HistoryList } from './history-list.tsx';
import { DeleteModel } from './model-acts.tsx';
import { VersionsTable } from './versions-table.tsx';

const route = getRouteApi('/models/$model');

/** So many versions, the newest, are there before all are asked for; also those with aliases. */
const SHOWN = 25;

/** Which versions are there, who serves, and who changed what? */
export function ModelScreen() {
  const { model: name } = route.useParams();
  const model = useQuery(modelQuery(name));
  return (
    <Page>
      <QueryView
        query={model}
        rows={8}
        title={name}
        missing={<Missing what="model" name={name} list="/models" listName="Models" />}
      >
        {(data) => <ModelBody model={data} />}
      </QueryView>
    </Page>
  );
}

function ModelBody(props: { readonly model: RegisteredModel }) {
  const { model } = props;
  const versions = useQuery(versionsQuery(model.name));
  const history = useQuery(historyQuery(model.name, { limit: 30 }));
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [all, setAll] = useState(false);
  const navigate = useNavigate();
  const champion = model.aliases.champion;
  const [from, to] = chosen.toSorted((a, b) => a - b);
  return (
    <>
      <PageHead
        title={<span className="break-all">{model.name}</span>}
        sentence={
          <Description
            title={`Description of ${model.name}`}
            path={`/registered-models/${encodeURIComponent(model.name)}`}
            text={model.description}
          />
        }
        actions={<DeleteModel model={model} versionCount={versions.data?.items.length ?? 0} />}
      />
      <QueryCard
        title="Versions"
        note={
          champion === undefined
            ? 'no champion yet'
            : `v${champion} is the champion${model.previousChampion === null ? '' : `, v${model.previousChampion} was before it`}`
        }
        query={versions}
        flush
        className="overflow-clip"
        isEmpty={(page) => page.items.length === 0}
        empty={
          <div className="px-4 pb-3">
            <EmptyLine>No version has been registered under this name.</EmptyLine>
          </div>
        }
        actions={
          <Button
            disabled={from === undefined || to === undefined}
            data-tip={to === undefined ? 'Choose two versions with their boxes' : undefined}
            onClick={() =>
              void navigate({
                to: '/models/$model/compare',
                params: { model: model.name },
                search: { from: String(from), to: String(to) },
              })
            }
          >
            {to === undefined ? 'Compare two' : `Compare v${from} and v${to}`}
          </Button>
        }
      >
        {({ items }) => (
          <>
            <VersionsTable versions={all ? items : newestOf(items)} chosen={chosen} onChoose={setChosen} />
            {!all && newestOf(items).length < items.length && (
              <div className="border-line border-t px-4 py-2">
                <Button onClick={() => setAll(true)}>Show all {plural(items.length, 'version')}</Button>
              </div>
            )}
          </>
        )}
      </QueryCard>
      <div className="grid gap-4 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <AliasesCard model={model} />
          <Card title="About">
            <Facts
              facts={[
                ['Registered', <Ago key="at" at={model.createdAt} />],
                ['Changed', <Ago key="changed" at={model.updatedAt} />],
                ...Object.entries(model.tags).map(([key, value]) => [key, value] as const),
              ]}
            />
          </Card>
        </div>
        <QueryCard
          title="History"
          note="who changed what, when and why"
          query={history}
          isEmpty={(page) => page.items.length === 0}
          empty={<EmptyLine>Nothing has been changed yet.</EmptyLine>}
        >
          {(page) => (
            <>
              <HistoryList model={model.name} entries={page.items} />
              {page.next !== null && (
                <p className="pt-2 text-label text-muted">
                  The newest {plural(page.items.length, 'change')}; all are in the{' '}
                  <Link
                    to="/audit"
                    search={{ kind: 'registered-model', subject: model.name }}
                    className="text-accent underline"
                  >
                    audit trail
                  </Link>
                  .
                </p>
              )}
            </>
          )}
        </QueryCard>
      </div>
    </>
  );
}

function newestOf(versions: readonly ModelVersion[]): readonly ModelVersion[] {
  const newest = Math.max(...versions.map(({ version }) => version));
  return versions.filter(({ version, aliases }) => version > newest - SHOWN || aliases.length > 0);
}
