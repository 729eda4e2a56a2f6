import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { send } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { endpointRolloutsQuery, endpointsQuery, loopsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { trafficText } from '../../kit/endpoints/endpoint-standing.ts';
import { Choice, ReasonField, SelectField, TextField } from '../../kit/fields.tsx';
import { championOf, effectThere, placeText, promotable, shareOf, triedBeside } from './promote-text.ts';

/** How long the answer may wait for the other endpoint's replicas to have what was changed. */
const SETTLED_MS = 10_000;

/**
 * Sends the champion on to another endpoint of the same model, as from staging to production. Nothing where the model
 * has no other endpoint.
 */
export function PromoteTo(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  const [open, setOpen] = useState(false);
  const endpoints = useQuery(endpointsQuery());
  const champion = championOf(endpoint);
  const targets = promotable(endpoint, endpoints.data?.items ?? []);
  if (!champion || targets.length === 0) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>Promote to</Button>
      {open && <PromoteDialog endpoint={endpoint} targets={targets} onClose={() => setOpen(false)} />}
    </>
  );
}

function PromoteDialog(props: {
  readonly endpoint: Endpoint;
  readonly targets: readonly Endpoint[];
  readonly onClose: () => void;
}) {
  const { endpoint, targets, onClose } = props;
  const [chosen, setChosen] = useState(targets[0]?.name ?? '');
  const [as, setAs] = useState<'challenger' | 'champion'>('challenger');
  const [percent, setPercent] = useState('1');
  const [reason, setReason] = useState('');
  const target = targets.find(({ name }) => name === chosen);
  // Where nobody answers yet there is nothing to stand beside.
  const isFirst = target !== undefined && championOf(target) === undefined;
  const kind = isFirst ? 'champion' : as;
  const share = shareOf(percent);
  const version = championOf(endpoint)?.modelVersion ?? '';
  const queries = useQueryClient();
  const promote = useMutation({
    mutationFn: () =>
      send<Endpoint>(
        'POST',
        `/endpoints/${encodeURIComponent(endpoint.name)}/promote-to`,
        {
          endpoint: chosen,
          as: kind,
          ...(kind === 'challenger' && share !== null ? { weight: share } : {}),
          reason: reason.trim(),
        },
        { waitMs: SETTLED_MS },
      ),
    onSuccess: () => void queries.invalidateQueries(),
  });
  const change = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value);
      if (promote.isError) promote.reset();
    };
  };
  const isThere =
    target !== undefined && championOf(target)?.packageDigest === championOf(endpoint)?.packageDigest;
  const refusal = refusalAt(promote.error, ['reason']);
  const isWrong = kind === 'challenger' && share === null;
  return (
    <ConfirmDialog
      open
      title={`Promote v${version} of ${endpoint.name}`}
      verb={promote.data ? 'Done' : 'Promote'}
      done={promote.data !== undefined}
      busy={promote.isPending}
      disabled={!promote.data && (reason.trim() === '' || !target || isWrong || isThere)}
      error={refusal.rest}
      onClose={onClose}
      onConfirm={() => (promote.data ? onClose() : promote.mutate())}
    >
      {promote.data ? (
        <p role="status">
          <EndpointLink name={promote.data.name} />: {trafficText(promote.data)}
        </p>
      ) : (
        <>
          <SelectField
            label="To the endpoint"
            value={chosen}
            options={targets.map((each) => [each.name, placeText(each)] as const)}
            onChange={change(setChosen)}
          />
          {target && !isFirst && !isThere && (
            <div className="flex flex-wrap items-end gap-3">
              <div>
                <Choice
                  label="How much of its traffic"
                  value={as}
                  options={[
                    ['challenger', 'A share'],
                    ['champion', 'All of it'],
                  ]}
                  onChange={change(setAs)}
                />
              </div>
              {as === 'challenger' && (
                <TextField
                  label="Share of its traffic"
                  value={percent}
                  unit="%"
                  onChange={change(setPercent)}
                />
              )}
            </div>
          )}
          <TriedHere endpoint={endpoint} />
          {isWrong && <p className="text-bad">A share is a number from 0 to 100.</p>}
          {target && !isWrong && <p>{effectThere(version, target, kind, share ?? 0, isThere)}</p>}
          {target && !isThere && <Hindrances target={target} kind={kind} />}
          <ReasonField
            value={reason}
            onChange={setReason}
            placeholder="For instance: a quiet week in staging"
            problem={refusal.at.reason}
          />
        </>
      )}
    </ConfirmDialog>
  );
}

/** Who is tried beside the champion is not what goes on. */
function TriedHere(props: { readonly endpoint: Endpoint }) {
  const tried = triedBeside(props.endpoint);
  return (
    tried && (
      <p>
        It is the champion here that goes on. {tried} only tried beside it: promote here first what you want
        there.
      </p>
    )
  );
}

/** What a change by hand means where something else decides about the traffic, and where a version is judged. */
function Hindrances(props: { readonly target: Endpoint; readonly kind: 'challenger' | 'champion' }) {
  const { target, kind } = props;
  const rollouts = useQuery(endpointRolloutsQuery(target.name));
  const loops = useQuery(loopsQuery());
  const loop = loops.data?.items.find((each) => each.endpoint === target.name);
  if (loop) {
    return (
      <p>
        The loop {loop.name} decides about its traffic: the next version that it promotes takes this one’s
        place.
      </p>
    );
  }
  if (rollouts.data?.items[0]?.endedAt === null) {
    return (
      <p>
        A rollout is under way at <EndpointLink name={target.name} />: this change ends it.
      </p>
    );
  }
  if (kind === 'champion') return null;
  return (
    <p>
      If it fails too often it loses the share by itself; whether it is better nobody judges. For that begin a
      rollout at <EndpointLink name={target.name} /> instead.
    </p>
  );
}

function EndpointLink(props: { readonly name: string }) {
  return (
    <Link to="/endpoints/$endpoint" params={{ endpoint: props.name }} className="text-accent underline">
      {props.name}
    </Link>
  );
}
