/** How an endpoint does, in one state and one sentence. Pure. */
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { byName } from '../by-name.ts';
import { formatCount, formatPercent, plural } from '../format.ts';
import { firstSentence, sentence } from '../turn-text.ts';

export type EndpointStanding = {
  readonly endpoint: Endpoint;
  readonly state: State;
  /** What is wrong; else who answers. */
  readonly sentence: string;
  /** More than one version has a share of the traffic, or one listens. */
  readonly isTried: boolean;
  /** Its open alert that says the sentence. */
  readonly alert: Alert | null;
};

const ORDER: Readonly<Record<State, number>> = { bad: 0, watch: 1, running: 2, good: 3, none: 4 };

/**
 * @param alerts open ones of any endpoint. One about a version that has no traffic any more is history, and asks
 *   nobody for anything.
 */
export function standingOf(endpoint: Endpoint, alerts: readonly Alert[]): EndpointStanding {
  const { arms, shadow, replicas } = endpoint;
  const isTried = shadow !== null || arms.filter((arm) => arm.weight > 0).length > 1;
  const stands = (state: State, said: string, alert: Alert | null = null): EndpointStanding => ({
    endpoint,
    state,
    sentence: said,
    isTried,
    alert,
  });
  if (arms.length === 0) return stands('none', trafficText(endpoint));
  const connected = replicas.filter((replica) => replica.connected);
  const failed = connected.find((replica) => replica.error !== null);
  if (failed) return stands('bad', `${failed.id}: ${failed.error}`);
  if (connected.length === 0) return stands('bad', 'No replica of it is connected.');
  const [alert] = alerts
    .filter((each) => each.endpoint === endpoint.name && each.state === 'open' && isAboutNow(each, endpoint))
    .toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity]);
  if (alert) return stands(alert.severity, sentence(firstSentence(alert.reason)), alert);
  const failing = failingOf(endpoint);
  if (failing) return stands(failing.state, failing.text);
  const behind = connected.filter((replica) => !replica.current).length;
  if (behind > 0)
    return stands('watch', `${behind} of ${plural(connected.length, 'replica')} still load it.`);
  return stands(isTried ? 'running' : 'good', `${trafficText(endpoint)}${refusedText(endpoint)}`);
}

/** So many predictions say something of their endpoint, and so large a share of failures needs a look, or is an outage. */
const TELLING = { predictions: 20, watch: 0.05, bad: 0.5 } as const;

/**
 * What of the last five minutes the server or its model failed to answer, where that is much; a window of monitoring may
 * close hours later. What callers had got wrong is no fault of the endpoint.
 */
export function failingOf({
  lately,
}: Pick<Endpoint, 'lately'>): { readonly state: 'watch' | 'bad'; readonly text: string } | null {
  if (!lately || lately.predictions < TELLING.predictions) return null;
  const share = lately.failed / lately.predictions;
  if (share <= TELLING.watch) return null;
  const counts = `${formatCount(lately.failed)} of ${formatCount(lately.predictions)}`;
  const text = `${formatPercent(share)} failed in the last 5 min (${counts}).`;
  return { state: share >= TELLING.bad ? 'bad' : 'watch', text };
}

/** ` 70 % of the last 5 min were refused, for what callers sent (280 of 400).`; empty where that is little. */
export function refusedText({ lately }: Pick<Endpoint, 'lately'>): string {
  if (!lately || lately.predictions < TELLING.predictions) return '';
  const share = lately.refused / lately.predictions;
  if (share <= TELLING.watch) return '';
  const counts = `${formatCount(lately.refused)} of ${formatCount(lately.predictions)}`;
  return ` ${formatPercent(share)} of the last 5 min were refused for what callers sent (${counts}).`;
}

const isAboutNow = (alert: Alert, endpoint: Endpoint): boolean =>
  alert.modelVersion === '' || endpoint.arms.some((arm) => arm.modelVersion === alert.modelVersion);

/** Worst first, then by name. */
export const worstFirst = (standings: readonly EndpointStanding[]): readonly EndpointStanding[] =>
  standings.toSorted((a, b) => ORDER[a.state] - ORDER[b.state] || byName(a.endpoint.name, b.endpoint.name));

/** Who answers, as a sentence: `v2 answers 10 % of requests beside v1.` */
export function trafficText(endpoint: Pick<Endpoint, 'arms' | 'shadow'>): string {
  const champion = endpoint.arms.find((arm) => arm.arm === 'champion');
  if (!champion) return 'No version is deployed here.';
  const others = endpoint.arms.filter((arm) => arm !== champion && arm.weight > 0);
  if (others.length > 0) {
    const names = namesOf(others.map((arm) => `v${arm.modelVersion}`));
    const share = others.reduce((sum, arm) => sum + arm.weight, 0);
    const verb = others.length === 1 ? 'answers' : 'answer';
    if (champion.weight === 0)
      return `${names} ${verb} everything; v${champion.modelVersion} is still the champion.`;
    return `${names} ${verb} ${formatPercent(share)} of requests beside v${champion.modelVersion}.`;
  }
  if (endpoint.shadow)
    return `v${champion.modelVersion} answers everything; v${endpoint.shadow.modelVersion} listens in shadow.`;
  return `v${champion.modelVersion} answers everything.`;
}

/** `v2`, `v2 and v3`, `v2, v3 and v4`; of more than three the first two and how many others: they stand below. */
function namesOf(versions: readonly string[]): string {
  const named = versions.length > 3 ? [...versions.slice(0, 2), `${versions.length - 2} others`] : versions;
  return named.join(', ').replace(/, (?=[^,]*$)/, ' and ');
}

/** What is true of many endpoints at once: `300 endpoints: 1 needs a look, 3 try a version, 270 without a version.` */
export function standingsText(standings: readonly EndpointStanding[]): string {
  const count = (wanted: (standing: EndpointStanding) => boolean): number => standings.filter(wanted).length;
  const look = count(needsLook);
  const tried = count(({ isTried }) => isTried);
  const idle = count(({ state }) => state === 'none');
  const parts = [
    look > 0 && `${look} ${look === 1 ? 'needs' : 'need'} a look`,
    tried > 0 && `${tried} ${tried === 1 ? 'tries' : 'try'} a version`,
    idle > 0 && `${idle} without a version`,
  ].filter((part) => part !== false);
  const calm = standings.length === 1 ? 'it is answered by one version' : 'each is answered by one version';
  const rest = parts.length > 0 ? parts.join(', ') : calm;
  return `${plural(standings.length, 'endpoint')}: ${rest}.`;
}

export const needsLook = ({ state }: EndpointStanding): boolean => state === 'bad' || state === 'watch';

/** Replicas that are missing or not there yet; one that was told to stop is neither. */
export const behindOf = ({ replicas }: Pick<Endpoint, 'replicas'>): Endpoint['replicas'] =>
  replicas.filter((replica) => !replica.left && !(replica.current && replica.connected));

/** `1,204`, `1,204, 3 failed, 20 refused`: what failed here, and what callers had got wrong. */
export const latelyText = ({ predictions, failed, refused }: NonNullable<Endpoint['lately']>): string =>
  [
    formatCount(predictions),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(refused > 0 ? [`${formatCount(refused)} refused`] : []),
  ].join(', ');
