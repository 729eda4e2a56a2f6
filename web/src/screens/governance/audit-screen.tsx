import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { AuditEntry } from '../../../../src/lifecycle/governance/contract.ts';
import { auditQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Chooser } from '../../kit/chooser.tsx';
import { Empty } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { DateTimeField, SearchField, Select } from '../../kit/fields.tsx';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Filters, Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { NewsNote, useReading } from '../../kit/reading.tsx';
import { compact } from '../../kit/search-params.ts';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { fromField, spanProblem, toField } from '../../kit/span.ts';
import { Ago, Moment } from '../../kit/time.tsx';
import { humane, sentence } from '../../kit/turn-text.ts';
import { useRows } from '../../kit/use-rows.ts';
import { changesOf } from './changes.ts';
import type { AuditSearch } from './search.ts';

const route = getRouteApi('/audit');

/** Who did what, when and why? Nothing here can be changed. */
export function AuditScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/audit' });
  const { entry: openId, kind, subject, ...filters } = search;
  const { reading, news } = useReading('audit');
  const entries = useInfiniteQuery({
    ...auditQuery({ ...filters, subjectKind: kind, subjectId: subject, limit: 100 }),
    enabled: !reading,
  });
  const { rows, more } = useRows(entries);
  const set = useCallback(
    (change: { readonly [K in keyof AuditSearch]?: AuditSearch[K] | undefined }) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }),
        replace: !('entry' in change),
      }),
    [navigate],
  );
  const close = useCallback(() => set({ entry: undefined }), [set]);
  const setSubject = useCallback((value: string) => set({ subject: value || undefined }), [set]);
  const setText = useCallback((value: string) => set({ text: value || undefined }), [set]);
  const setActor = useCallback((value: string) => set({ actor: value || undefined }), [set]);
  const open = rows.find((row) => row.id === openId);
  const kinds = [...new Set([...(kind ? [kind] : []), ...rows.map((row) => row.subject.kind)])].toSorted();
  const actions = [
    ...new Set([...(search.action ? [search.action] : []), ...rows.map((row) => row.action)]),
  ].toSorted();
  const filtered = Object.keys(search).some((key) => key !== 'entry');
  return (
    <Page full>
      <PageHead
        title="Audit"
        sentence="Every change, by whom, and why. Written where it happens, in the same transaction; nothing is ever edited."
        actions={
          <Filters>
            <SearchField
              label="Search"
              placeholder="Part of what, to or why"
              value={search.text ?? ''}
              onChange={setText}
              className="w-52"
            />
            <Chooser
              label="Action"
              value={search.action ?? ''}
              all="All actions"
              options={actions.map((action) => [action, action] as const)}
              onChange={(action) => set({ action })}
            />
            <Select
              label="Kind of thing"
              value={kind ?? ''}
              all="All things"
              options={kinds.map((each) => [each, each] as const)}
              onChange={(value) => set({ kind: value })}
            />
            <SearchField
              label="Subject"
              placeholder="Subject, e.g. flight-delay/3"
              value={subject ?? ''}
              onChange={setSubject}
              className="w-56"
            />
            <SearchField
              label="Who"
              placeholder="Who"
              value={search.actor ?? ''}
              onChange={setActor}
              className="w-36"
            />
            <div className="flex flex-wrap gap-2 max-sm:contents">
              <DateTimeField
                label="From"
                value={toField(search.from)}
                onChange={(field) => set({ from: fromField(field) })}
              />
              <DateTimeField
                label="Before"
                value={toField(search.to)}
                onChange={(field) => set({ to: fromField(field) })}
                problem={spanProblem(toField(search.from), toField(search.to))}
              />
            </div>
          </Filters>
        }
      />
      <QueryView
        query={entries}
        rows={10}
        isEmpty={() => rows.length === 0}
        empty={
          filtered ? (
            <Empty title="No entry fits these filters">
              <Button onClick={() => void navigate({ search: {} })}>Show all entries</Button>
            </Empty>
          ) : (
            <Empty title="Nothing has been changed yet">
              The first applied loop, promotion or approval appears here.
            </Empty>
          )
        }
      >
        {() => (
          <Card flush>
            <NewsNote news={news} />
            <Grid
              label="Audit entries"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={openId ?? null}
              onOpen={(row) => set({ entry: row.id })}
              onEnd={more}
              narrowNote={(row) => humane(row.reason)}
              footer={entries.hasNextPage ? 'Newest first; scroll for more' : `All ${rows.length} shown`}
            />
          </Card>
        )}
      </QueryView>
      {open && (
        <SidePanel title={`${open.action} on ${open.subject.id}`} label="Audit entry" onClose={close}>
          <EntryBody entry={open} />
        </SidePanel>
      )}
    </Page>
  );
}

function Actor(props: { readonly actor: AuditEntry['actor'] }) {
  const { kind, id } = props.actor;
  return kind === 'user' ? (
    <span className="font-strong">{id}</span>
  ) : (
    <span className="text-muted">{kind === 'system' ? id : `${kind} ${id}`}</span>
  );
}

function EntryBody(props: { readonly entry: AuditEntry }) {
  const { entry } = props;
  const changes = changesOf(entry.before, entry.after);
  return (
    <div className="flex flex-col gap-5">
      <p className="text-lead">{sentence(entry.reason)}</p>
      <Facts
        facts={[
          ['Who', <Actor key="a" actor={entry.actor} />],
          ['When', <Moment key="w" at={entry.at} />],
          ['What', entry.action],
          ['To', `${entry.subject.kind} ${entry.subject.id}`],
          ['Entry', <Id key="i" id={entry.id} />],
        ]}
      />
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">What changed</h3>
        {changes.length === 0 ? (
          <p className="text-muted">No value was recorded before or after.</p>
        ) : (
          <table className="w-full text-left">
            <thead className="text-label text-muted">
              <tr>
                <th className="py-1 pr-3 font-normal">Field</th>
                <th className="pr-3 font-normal">Before</th>
                <th className="font-normal">After</th>
              </tr>
            </thead>
            <tbody className="font-mono text-label">
              {changes.map((change) => (
                <tr
                  key={change.path}
                  className={`border-line border-t align-top ${change.same ? 'text-faint' : ''}`}
                >
                  <td className="py-1 pr-3">{change.path || 'value'}</td>
                  <td className="break-all py-1 pr-3">{change.before ?? '–'}</td>
                  <td className={`break-all py-1 ${change.same ? '' : 'bg-accent-quiet'}`}>
                    {change.after ?? '–'}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </div>
  );
}

const COLUMNS: readonly GridColumn<AuditEntry>[] = [
  {
    id: 'at',
    head: 'When',
    width: 'minmax(64px, 90px)',
    cell: (row) => <Ago at={row.at} className="text-muted" />,
  },
  { id: 'actor', head: 'Who', width: 'minmax(72px, 130px)', cell: (row) => <Actor actor={row.actor} /> },
  { id: 'action', head: 'What', width: 'minmax(120px, 1.2fr)', cell: (row) => row.action },
  {
    id: 'subject',
    head: 'To',
    width: 'minmax(150px, 1.6fr)',
    wideOnly: true,
    cell: (row) => (
      <>
        <span className="text-muted">{row.subject.kind}</span> {row.subject.id}
      </>
    ),
  },
  {
    id: 'reason',
    head: 'Why',
    width: 'minmax(220px, 3fr)',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{humane(row.reason)}</span>,
  },
];
