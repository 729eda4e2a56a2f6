import { fail } from '../../core/errors.ts';
import { formatTime } from '../../core/time.ts';
import type { Actor } from '../../platform/access/index.ts';
import { sqlLiteral } from '../../platform/frames/index.ts';
import { rolloutSpecSchema, type ShadowEvidence, type ShadowEvidenceQuery } from '../contract.ts';
import { armSeen, judge } from '../verdict/judge.ts';
import { clockSkewMs, observe } from '../verdict/observe.ts';
import type { RolloutDeps } from './rollout-writer.ts';

/** Older rows are left out: what is asked for while a person waits must not read a year of traffic. */
const longestMs = 7 * 86_400_000;
/** The begin moves on in such steps: until then only what is new has to be read. */
const beginStepMs = 3_600_000;
/** Route changes that are looked through for the shadow's begin. */
const routesRead = 200;
const bins = 20;
const furthestRows = 10;

type Deps = Pick<RolloutDeps, 'serving' | 'log' | 'clock' | 'watermarks'>;

/**
 * What an endpoint's shadow says beside its champion, whoever set it: judged as a rollout's copies are, and also by
 * outcomes, as labels come. Nothing is decided by it. Throws `not_found`, `shadow_none`.
 */
export async function shadowEvidence(
  { serving, log, clock, watermarks }: Deps,
  actor: Actor,
  endpoint: string,
  { metric, threshold, segment }: ShadowEvidenceQuery,
): Promise<ShadowEvidence> {
  const { model, arms, shadow } = await serving.endpoint(actor, endpoint);
  const championVersion = arms.find((arm) => arm.arm === 'champion')?.modelVersion;
  if (!shadow || championVersion === undefined) {
    throw fail('shadow_none', { endpoint });
  }
  const shadowVersion = shadow.modelVersion;
  const routes = await serving.routeVersions(actor, endpoint, { limit: routesRead });
  const other = routes.findIndex(
    (route) =>
      route.shadow?.modelVersion !== shadowVersion ||
      !route.arms.some((arm) => arm.arm === 'champion' && arm.modelVersion === championVersion),
  );
  const first = routes.at(other === -1 ? -1 : other - 1) ?? routes[0];
  const nowMs = clock.nowMs();
  const longestSinceMs = Math.ceil((nowMs - longestMs) / beginStepMs) * beginStepMs;
  const sinceMs = Math.max(first === undefined ? 0 : Date.parse(first.createdAt), longestSinceMs);
  const sinceRouteVersion = first?.version ?? 0;
  const features = await log.features(endpoint);
  // The version under test is named below, as the arm that answers nobody; the plan's own is not read.
  const spec = rolloutSpecSchema.parse({
    kind: 'canary',
    version: 1,
    steps: [100],
    metric,
    threshold,
    segments: features.filter((feature) => feature === segment),
  });
  const seen = await observe(log, { endpoint, spec, sinceRouteVersion, sinceMs, championVersion });
  const shadowArm = { arm: 'shadow', version: shadowVersion };
  const look = judge({
    spec,
    seen,
    nowMs,
    stage: 'shadow',
    percent: 0,
    nextPercent: 100,
    isProved: false,
    champion: { arm: 'champion', version: championVersion },
    arms: [shadowArm],
    routeVersion: sinceRouteVersion,
    eventMs: await watermarks.get(endpoint),
    stepSinceMs: undefined,
    beganMs: undefined,
  });
  const [all] = look.shadow;
  const copies = {
    ...armSeen(shadowArm, { ...seen, strata: seen.shadows }, metric),
    latencyP99Ms: all?.latencyP99Ms ?? null,
    latencyP99LowMs: all?.latencyLowMs ?? null,
  };
  return {
    endpoint,
    model,
    championVersion,
    shadowVersion,
    metric,
    threshold,
    since: formatTime(sinceMs),
    features: [...features],
    look: { ...look, arms: look.arms.map((arm) => (arm.arm === 'shadow' ? copies : arm)) },
    ...(await log.read(
      endpoint,
      { sinceRouteVersion, receivedFromMs: sinceMs - clockSkewMs, features: spec.segments },
      (rows) => (rows === null ? noDifferences : differencesOf(log, rows, sinceRouteVersion, shadowVersion)),
    )),
  };
}

type Differences = Pick<ShadowEvidence, 'scores' | 'differences' | 'furthest'>;
const noDifferences: Promise<Differences> = Promise.resolve({
  scores: null,
  differences: null,
  furthest: [],
});

async function differencesOf(
  log: Deps['log'],
  rows: string,
  sinceRouteVersion: number,
  shadowVersion: string,
): Promise<Differences> {
  const pairs = `WITH known AS (SELECT * FROM ${rows} WHERE route_version >= ${sinceRouteVersion}
      AND bucket IS NOT NULL AND status = 'ok' AND isfinite(score)),
    pairs AS (SELECT c.prediction_id, c.event_time_ms, c.score AS champion, s.score AS shadow, s.score - c.score AS apart
      FROM known s JOIN known c USING (prediction_id)
      WHERE s.arm = 'shadow' AND s.model_version = ${sqlLiteral(shadowVersion)} AND c.arm = 'champion')`;
  const quantiles = [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => `quantile_cont(apart, ${q})`);
  const [found] = await log.query(`${pairs} SELECT count(*) AS n, least(min(champion), min(shadow)) AS low,
    greatest(max(champion), max(shadow)) AS high, ${quantiles.map((q, i) => `${q} AS q${i}`).join(', ')} FROM pairs`);
  if (!found || Number(found.n) === 0) return noDifferences;
  const [low, high] = [Number(found.low), Number(found.high)];
  const count = high > low ? bins : 1;
  const width = (high - low) / count;
  const bin = (score: string) =>
    width === 0 ? '0' : `least(${count - 1}, floor((${score} - (${low})) / ${width}))::INTEGER`;
  const counted =
    await log.query(`${pairs} SELECT bin, count(*) FILTER (own) AS shadow, count(*) FILTER (NOT own) AS champion
    FROM (SELECT ${bin('shadow')} AS bin, true AS own FROM pairs UNION ALL SELECT ${bin('champion')}, false FROM pairs)
    GROUP BY bin`);
  const byBin = new Map(counted.map((row) => [Number(row.bin), row]));
  const counts = (who: string) => Array.from({ length: count }, (_, i) => Number(byBin.get(i)?.[who] ?? 0));
  const furthest = await log.query(`${pairs}, furthest AS MATERIALIZED (SELECT * FROM pairs
      ORDER BY abs(apart) DESC, prediction_id LIMIT ${furthestRows})
    SELECT log.id AS id, furthest.* FROM ${rows} log JOIN furthest USING (prediction_id) WHERE log.arm = 'champion'
    ORDER BY abs(apart) DESC, prediction_id`);
  return {
    scores: {
      edges: Array.from({ length: count + 1 }, (_, i) => (i === count ? high : low + i * width)),
      champion: counts('champion'),
      shadow: counts('shadow'),
    },
    differences: {
      p05: Number(found.q0),
      p25: Number(found.q1),
      p50: Number(found.q2),
      p75: Number(found.q3),
      p95: Number(found.q4),
    },
    furthest: furthest.map((row) => ({
      predictionId: row.id as string,
      eventTime: formatTime(Number(row.event_time_ms)),
      champion: Number(row.champion),
      shadow: Number(row.shadow),
    })),
  };
}
