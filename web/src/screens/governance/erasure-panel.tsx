import { useQuery } from '@tanstack/react-query';
import type { Erasure } from '../../../../src/lifecycle/governance/contract.ts';
import { erasureQuery } from '../../api/queries.ts';
import { Facts } from '../../kit/facts.tsx';
import { plural } from '../../kit/format.ts';
import { QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago, Moment } from '../../kit/time.tsx';
import { erasedText, erasureState, isUnderWay, remainders } from './erasure-text.ts';

const POLL_MS = 1000;

/** One erasure: how far it is, what went, and what is left to somebody. */
export function ErasurePanel(props: { readonly id: string; readonly onClose: () => void }) {
  const erasure = useQuery({
    ...erasureQuery(props.id),
    refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? POLL_MS : false),
  });
  return (
    <SidePanel title="Erasure" label="Erasure" onClose={props.onClose}>
      <QueryView query={erasure} rows={6}>
        {(data) => <ErasureBody erasure={data} />}
      </QueryView>
    </SidePanel>
  );
}

function ErasureBody(props: { readonly erasure: Erasure }) {
  const { erasure } = props;
  const { state, word } = erasureState(erasure);
  const rest = remainders(erasure);
  return (
    <div className="flex flex-col gap-5">
      <p className="text-lead">{erasure.reason}</p>
      <Facts
        facts={[
          [
            'State',
            <StateLabel key="state" state={state}>
              {word}
            </StateLabel>,
          ],
          ['At', erasure.endpoint ?? 'all endpoints'],
          ['Asked by', erasure.requestedBy],
          ['Asked', <Moment key="asked" at={erasure.requestedAt} />],
          erasure.endedAt !== null && ['Done', <Moment key="done" at={erasure.endedAt} />],
          ['Id', <Id key="id" id={erasure.id} />],
        ]}
      />
      {erasure.problem !== null && (
        <p role="status" className="text-bad">
          It broke off, and is tried again
          {erasure.nextAttemptAt !== null && (
            <>
              {' '}
              (<Ago at={erasure.nextAttemptAt} />)
            </>
          )}
          : {erasure.problem}
        </p>
      )}
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">What went</h3>
        <Facts facts={erasure.parts.map(({ name, erased }) => [name, erasedText(erased)] as const)} />
        {isUnderWay(erasure) && (
          <p role="status" className="text-muted">
            {erasure.parts.length === 0
              ? 'The log is being looked through'
              : 'Files are being looked through'}
            ; it goes on also when this page is closed.
          </p>
        )}
        {erasure.attempts > 1 && (
          <p className="text-muted">
            {plural(erasure.attempts - 1, 'attempt')} broke off: what went then is in no count.
          </p>
        )}
      </section>
      {rest.length > 0 && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">What is left</h3>
          <ul className="flex list-disc flex-col gap-1.5 pl-4">
            {rest.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
