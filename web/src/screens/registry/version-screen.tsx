import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ModelVersion, RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { apiUrl } from '../../api/client.ts';
import { modelQuery, versionQuery } from '../../api/queries.ts';
import { historyQuery } from '../../api/registry.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { GateList } from '../../kit/gate-list.tsx';
import { type Identity, IdentitySwatch } from '../../kit/identity.tsx';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { Ago } from '../../kit/time.tsx';
import { humane, sentence } from '../../kit/turn-text.ts';
import { DeployVersion } from './deploy-version.tsx';
import { EvaluationCards } from './evaluation-cards.tsx';
import { GraphCard } from './graph-card.tsx';
import { HistoryList } from './history-list.tsx';
import { LineageCard } from './lineage.tsx';
import { DeleteVersion } from './model-acts.tsx';
import { PackageCard } from './package-card.tsx';
import { REFIT_TAG } from './refit-tag.ts';
import { AboutCard, Signature } from './version-about.tsx';
import { VersionActs } from './version-acts.tsx';

const route = getRouteApi('/models/$model/versions/$version');

/** May this version go live: which gates pass, what did it beat, where does it come from? */
export function VersionScreen() {
  const params = route.useParams();
  const version = useQuery(versionQuery(params.model, params.version));
  const model = useQuery(modelQuery(params.model));
  return (
    <Page>
      <QueryView
        query={version}
        rows={10}
        title={`${params.model} v${params.version}`}
        missing={
          <Missing
            what="version"
            name={`${params.model} v${params.version}`}
            list="/models"
            listName="Models"
          />
        }
      >
        {(data) => <VersionBody version={data} model={model.data} />}
      </QueryView>
    </Page>
  );
}

function VersionBody(props: { readonly version: ModelVersion; readonly model: RegisteredModel | undefined }) {
  const { version, model } = props;
  const alias = version.aliases.find(
    (each): each is Identity => each === 'champion' || each === 'challenger',
  );
  const refitOf = version.tags[REFIT_TAG];
  const first = useQuery({
    ...versionQuery(version.name, refitOf ?? ''),
    enabled: refitOf !== undefined,
  });
  // Gates and evaluation of a refitted version are those of the version that had not seen the hold-out.
  const judged = first.data ?? version;
  const history = useQuery(historyQuery(version.name, { version: version.version, limit: 40 }));
  return (
    <>
      <PageHead
        title={
          <span className="flex flex-wrap items-baseline gap-x-3">
            {version.name} v{version.version}
            {version.aliases.length > 0 && (
              <span className="inline-flex items-center gap-2 font-normal text-body text-muted">
                {alias && <IdentitySwatch identity={alias} />}
                {version.aliases.join(', ')}
              </span>
            )}
          </span>
        }
        sentence={refitOf === undefined ? verdict(version) : <Refit version={version} of={refitOf} />}
        actions={
          <>
            {model && (model.latestVersion ?? 1) > 1 && (
              <Link
                to="/models/$model/compare"
                params={{ model: version.name }}
                search={comparedWith(version, model)}
                className="inline-flex h-7 items-center rounded-control border border-line-strong bg-surface px-2.5 hover:bg-sunken pointer-coarse:h-9"
              >
                Compare
              </Link>
            )}
            <DeployVersion version={version} />
            <VersionActs version={version} model={model} />
            <DeleteVersion version={version} />
          </>
        }
      />
      <LineageCard version={version} />
      <GraphCard version={version} />
      <div className="grid gap-4 lg:grid-cols-[5fr_8fr]">
        <div className="flex min-w-0 flex-col gap-4">
          <Card title="Gates" note={first.data && `of v${refitOf}`}>
            {judged.gates.length === 0 ? (
              <EmptyLine>
                No gate has judged this version. A loop judges what it trains; what is registered by hand is
                compared by a rollout.
              </EmptyLine>
            ) : (
              <GateList gates={judged.gates} />
            )}
          </Card>
          <PackageCard version={version} action={<DeployVersion version={version} packageOnly />} />
          <Card
            title="Signature"
            note={
              <a
                href={apiUrl(
                  `/registered-models/${encodeURIComponent(version.name)}/versions/${version.version}/card`,
                  { format: 'markdown' },
                )}
                className="text-accent"
              >
                model card
              </a>
            }
          >
            {version.signature ? (
              <Signature signature={version.signature} />
            ) : (
              <EmptyLine>The version has no package yet, so its inputs are not known.</EmptyLine>
            )}
          </Card>
          {version.approvals.length > 0 && (
            <Card title="Approvals">
              {version.approvals.map((approval) => (
                <p key={approval.id} className="py-0.5">
                  {sentence(approval.decision)} by {approval.by}{' '}
                  <Ago at={approval.decidedAt} className="text-muted" />
                  <span className="block text-muted">{approval.reason}</span>
                </p>
              ))}
            </Card>
          )}
          <AboutCard version={version} />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          {judged.evaluationId === null ? (
            <Card title="Evaluation">
              <EmptyLine>
                This version has not been evaluated: no loop has judged it on held-out rows.
              </EmptyLine>
            </Card>
          ) : (
            <EvaluationCards id={judged.evaluationId} version={judged} />
          )}
          <QueryCard
            title="History"
            query={history}
            isEmpty={(page) => page.items.length === 0}
            empty={<EmptyLine>Nothing has been changed yet.</EmptyLine>}
          >
            {(page) => <HistoryList model={version.name} entries={page.items} />}
          </QueryCard>
        </div>
      </div>
    </>
  );
}

/** What a refitted version is, and the way to the one that was judged in its stead. */
function Refit(props: { readonly version: ModelVersion; readonly of: string }) {
  return (
    <>
      <Link
        to="/models/$model/versions/$version"
        params={{ model: props.version.name, version: props.of }}
        className="text-accent underline"
      >
        v{props.of}
      </Link>{' '}
      trained again by the same settings, on all rows. Gates and evaluation below are those of v{props.of},
      which had not seen the rows that it was judged on.
    </>
  );
}

/** The version to compare with: the champion, else the one before. */
function comparedWith(
  version: ModelVersion,
  model: RegisteredModel,
): { readonly from: string; readonly to: string } {
  const champion = model.aliases.champion;
  const before = Math.max(1, version.version - 1);
  const other = champion !== undefined && champion !== version.version ? champion : before;
  return { from: String(other), to: String(version.version) };
}

/** The gate that decided, as the sentence of the head. */
function verdict(version: ModelVersion): string {
  const failed = version.gates.find((gate) => gate.verdict === 'fail');
  if (failed) return `Refused: ${humane(failed.reason)}.`;
  const unsure = version.gates.find((gate) => gate.verdict === 'unsure');
  if (unsure) return `Unsure: ${humane(unsure.reason)}.`;
  const against = version.gates.find((gate) => gate.gate?.against === 'champion');
  if (against) return `${humane(against.reason)}.`;
  return version.gates.length > 0 ? 'All gates passed.' : version.description || 'Not judged yet.';
}
