import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import { Act } from '../../kit/act.tsx';
import { plural } from '../../kit/format.ts';
import { Card } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { sentence } from '../../kit/turn-text.ts';

const RESOLVED_SHOWN = 3;

const STILL_OPEN = {
  effect: 'It leaves the list of what waits for you and stays open until its cause is gone.',
  placeholder: 'For instance: known, the loop retrains',
};
/** Nothing but a person ends it. */
const RESTORED_SEEN = {
  effect: 'It is over then, for this endpoint; what was lost does not come back by itself.',
  placeholder: 'For instance: its labels are sent again',
};

/** Incidents, open ones first: what, since when, with the evidence of each window folded under it. */
export function AlertList(props: {
  readonly alerts: readonly Alert[];
  /** Versions that have traffic; what another one did is history. */
  readonly serving: readonly string[];
  readonly model: string | undefined;
  readonly chosen?: string;
}) {
  const { alerts, serving, model, chosen } = props;
  const [all, setAll] = useState(false);
  const isOver = (alert: Alert): boolean =>
    alert.state === 'resolved' || (alert.modelVersion !== '' && !serving.includes(alert.modelVersion));
  const open = alerts.filter((alert) => !isOver(alert));
  const resolved = alerts.filter(isOver).toSorted((a, b) => Date.parse(b.openedAt) - Date.parse(a.openedAt));
  const shown = [...open, ...(all ? resolved : resolved.slice(0, open.length > 0 ? 0 : RESOLVED_SHOWN))];
  const hidden = alerts.length - shown.length;
  return (
    <Card
      title={open.length > 0 ? `Open alerts (${open.length})` : 'Alerts'}
      flush
      className="overflow-hidden"
    >
      <ul>
        {shown.map((alert) => (
          <AlertRow
            key={alert.id}
            alert={alert}
            model={model}
            over={isOver(alert)}
            chosen={alert.id === chosen}
          />
        ))}
      </ul>
      {hidden > 0 && (
        <button
          type="button"
          onClick={() => setAll(true)}
          className="w-full border-line border-t px-4 py-2 text-left text-label text-accent hover:bg-sunken"
        >
          {hidden} {hidden === 1 ? 'earlier one' : 'earlier ones'}
        </button>
      )}
    </Card>
  );
}

function AlertRow(props: {
  readonly alert: Alert;
  readonly model: string | undefined;
  readonly over: boolean;
  readonly chosen: boolean;
}) {
  const { alert, model, over, chosen } = props;
  const newest = alert.modelVersion === '' ? undefined : alert.evidence.at(-1)?.window;
  return (
    <li
      className={`grid grid-cols-[12px_1fr] items-baseline gap-x-3 gap-y-2 border-line border-t px-4 py-2 sm:grid-cols-[12px_1fr_max-content] ${chosen ? 'bg-accent-quiet' : ''}`}
    >
      <StateMark state={over ? 'none' : alert.severity} label={over ? 'resolved' : alert.severity} />
      <div className="min-w-0">
        <span className={over ? 'text-muted' : ''}>{sentence(alert.reason)}</span>
        <span className="block text-label text-muted">
          {alert.modelVersion === '' ? (
            'Since '
          ) : (
            <>
              {model ? (
                <Link
                  to="/models/$model/versions/$version"
                  params={{ model, version: alert.modelVersion }}
                  className="text-accent underline"
                >
                  v{alert.modelVersion}
                </Link>
              ) : (
                `v${alert.modelVersion}`
              )}
              , since{' '}
            </>
          )}
          {alert.modelVersion === '' ? (
            <Ago at={alert.openedAt} />
          ) : (
            <EventTime at={alert.openedAt} className="align-bottom" />
          )}
          {over && alert.state !== 'resolved' && `. v${alert.modelVersion} has no traffic any more`}
          {alert.resolution && `. ${sentence(alert.resolution)}`}
          {newest && (
            <>
              .{' '}
              <Link
                to="/predictions"
                search={{
                  endpoint: alert.endpoint,
                  version: alert.modelVersion,
                  from: newest.start,
                  to: newest.end,
                }}
                className="text-accent underline"
              >
                Predictions of its last window
              </Link>
            </>
          )}
          {alert.acknowledgedBy &&
            `. Seen by ${alert.acknowledgedBy}${alert.acknowledgedReason ? `: ${alert.acknowledgedReason}` : ''}`}
        </span>
        {alert.evidence.some((each) => each.reason !== alert.reason) && (
          <details className="pt-0.5">
            <summary className="w-max text-label text-accent">
              {`Evidence of ${plural(alert.evidence.length, 'window')}`}
            </summary>
            <ul className="pt-1 text-muted">
              {alert.evidence.map((each) => (
                <li key={each.window.id} className="flex gap-3 py-0.5">
                  <EventTime at={each.window.start} className="shrink-0" /> <span>{each.reason}</span>
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
      {alert.state === 'open' && !over && (
        <span className="col-start-2 sm:col-start-3">
          <Act
            verb="Seen"
            title="Mark as seen"
            path={`/alerts/${alert.id}/acknowledge`}
            {...(alert.kind === 'restored' ? RESTORED_SEEN : STILL_OPEN)}
          />
        </span>
      )}
    </li>
  );
}
