import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { pathPrefix } from '../api/prefix.ts';
import { loopsQuery, unresolvedAlertsQuery } from '../api/queries.ts';
import { concernsNow } from '../charts/prepare/loop-wheel.ts';
import { type State, worstState } from '../charts/prepare/wheel.ts';

/** The tab shows the worst open state of anything, so a tab in the background can ask for attention. */
export function useFavicon(): State {
  const alerts = useQuery(unresolvedAlertsQuery());
  const loops = useQuery(loopsQuery());
  const states: State[] = [
    ...(alerts.data?.items ?? [])
      .filter((alert) => {
        const loop = loops.data?.items.find((each) => each.endpoint === alert.endpoint);
        return alert.state === 'open' && (!loop || concernsNow(alert, loop));
      })
      .map((alert) => alert.severity),
    ...(loops.data?.items ?? []).map((loop): State => {
      if (loop.activeTurn) return loop.activeTurn.state === 'awaiting-approval' ? 'watch' : 'running';
      return loop.lastTurn?.state === 'failed' ? 'bad' : loop.championVersion === null ? 'none' : 'good';
    }),
  ];
  const worst = worstState(states);
  useEffect(() => {
    const link = document.getElementById('favicon');
    if (link instanceof HTMLLinkElement) link.href = `${pathPrefix}/favicon-${worst}.svg`;
  }, [worst]);
  return worst;
}
