import { useQuery } from '@tanstack/react-query';
import type { Replica } from '../../../../src/lifecycle/serving/contract.ts';
import { replicasQuery } from '../../api/queries.ts';
import { Act } from '../../kit/act.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { plural } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { replicaNotes, replicaState, replicasText } from './replica-text.ts';

/** The processes that answer: which are there, what is wrong with one, and what waits with one that is away. */
export function ReplicasCard() {
  const replicas = useQuery(replicasQuery());
  return (
    <QueryCard
      title="Replicas"
      note={replicas.data && replicasText(replicas.data.items)}
      query={replicas}
      flush
      className="overflow-hidden"
      isEmpty={(page) => page.items.length === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>
            No replica has ever connected. <code>millrace up</code> starts one with the server.
          </EmptyLine>
        </div>
      }
    >
      {(page) => (
        <ul>
          {page.items.map((replica) => (
            <ReplicaRow key={replica.id} replica={replica} />
          ))}
        </ul>
      )}
    </QueryCard>
  );
}

function ReplicaRow(props: { readonly replica: Replica }) {
  const { replica } = props;
  const notes = replicaNotes(replica);
  return (
    <li className="flex flex-wrap items-baseline gap-x-4 gap-y-1 border-line border-t px-4 py-2">
      <StateMark state={replicaState(replica)} />
      <div className="flex min-w-0 flex-1 basis-64 flex-col">
        <span className="flex flex-wrap items-baseline gap-x-3">
          <span className="break-all font-strong">{replica.id}</span>
          <span className="break-all text-muted">{replica.url}</span>
        </span>
        {notes.map((note) => (
          <span key={note} className="break-words text-muted">
            {note}
          </span>
        ))}
      </div>
      <span className="text-muted">
        {plural(replica.models.filter((model) => model.state === 'ready').length, 'model')} for{' '}
        {plural(replica.endpoints.length, 'endpoint')}
      </span>
      <span className="text-muted">
        {replica.connected ? 'connected ' : 'last seen '}
        <Ago at={replica.connected ? replica.connectedAt : replica.lastSeenAt} />
      </span>
      {!replica.connected && (
        <Act
          verb="Forget"
          look="danger"
          title={`Forget ${replica.id}`}
          path={`/replicas/${encodeURIComponent(replica.id)}`}
          method="DELETE"
          effect={
            replica.segmentsWaiting > 0
              ? `${plural(replica.segmentsWaiting, 'part')} of the log ${replica.segmentsWaiting === 1 ? 'waits' : 'wait'} with it. Erasures and loops no longer wait for them; should it come back, they are taken all the same.`
              : 'Nothing of the log waits with it. Should it come back, it is known again.'
          }
        />
      )}
    </li>
  );
}
