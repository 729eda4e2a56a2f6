import { formatDuration, parseDuration } from '../../core/time.ts';
import { comparisonText } from '../contract/comparison-text.ts';
import type { RolloutLook } from '../contract.ts';
import { looksWorse } from './compare-arms.ts';
import { elapsedMs, type Judged, judgesOutcomes } from './judged.ts';
import { labelGapText } from './label-gap.ts';
import { provedArm, provedWord, unproved } from './proof.ts';
import { scopeText } from './scope-text.ts';
import { unusableLabels } from './unusable-labels.ts';

/** A look whose meaning is still to be found. */
type Draft = Omit<RolloutLook, 'verdict' | 'reason'>;

/** What a look means: harm at once, else what the step still waits for, else that it is passed. */
export function decide(judged: Judged, look: Draft): Pick<RolloutLook, 'verdict' | 'reason'> {
  const { spec } = judged;
  const broken = look.guardrails.find((rail) => rail.verdict === 'fail');
  if (broken) return { verdict: 'fail', reason: `${broken.name}: ${broken.reason}` };
  const gap = judgesOutcomes(judged) ? labelGapText(judged.seen.strata, judged.champion, judged.arms) : '';
  const worse = judged.arms.map(({ arm, version }) => {
    const found = look.comparisons.find((c) => c.arm === arm && c.verdict === 'worse');
    return found && `version ${version} is worse: ${comparisonText(found)}`;
  });
  // Of several arms those that are not worse are still to be learnt about.
  if (worse.length > 0 && worse.every((text) => text !== undefined)) {
    return { verdict: 'fail', reason: worse.join('; ') + scopeText(judged) + gap };
  }
  const waits = waitsOf(judged, look);
  if (waits.length === 0) return { verdict: 'pass', reason: passText(judged, look) + gap };
  const maxMs = parseDuration(spec.maxTime);
  if (elapsedMs(judged.beganMs, judged.eventMs) > maxMs) {
    const reason = `still undecided after ${formatDuration(maxMs)} of event time: ${waits.join(', ')}${gap}`;
    return { verdict: 'fail', reason };
  }
  return { verdict: 'waiting', reason: `waits for ${waits.join(', ')}${gap}` };
}

/** What a step still lacks before it is passed. */
function waitsOf(judged: Judged, look: Draft): readonly string[] {
  const { spec, stage } = judged;
  const waits: string[] = [];
  const more = ({ have, need }: { have: number; need: number }, what: string) => {
    if (have < need) waits.push(`${(need - have).toLocaleString('en-US')} more ${what}`);
  };
  more(look.requests, stage === 'shadow' ? `copies${noCopies(judged, look)}` : 'requests');
  const unusable = look.labels.have < look.labels.need ? unusableLabels(spec.metric, look.arms) : null;
  if (unusable !== null) waits.push(unusable);
  else more(look.labels, look.comparisons[0]?.compared === 'pairs' ? 'labelled pairs' : 'labelled outcomes');
  const leftMs = look.timeMs.need - look.timeMs.have;
  // So little is left where predictions end with a window, such as a day: the next one is beyond it.
  if (leftMs > 0)
    waits.push(leftMs < 1000 ? 'a later prediction' : `${formatDuration(leftMs)} of event time`);
  if (stage === 'canary' && waits.length === 0 && judged.percent < 100) {
    for (const text of suspicions(judged, look)) waits.push(`a verdict, as it looks worse so far (${text})`);
  }
  const lastStep = judged.nextPercent === undefined || judged.nextPercent === 100;
  const isCanary = spec.kind === 'canary' && judgesOutcomes(judged);
  if (waits.length === 0 && isCanary && lastStep && !judged.isProved) {
    for (const arm of judged.arms) {
      for (const text of unproved(spec, arm.arm, look.comparisons)) waits.push(`proof (${text})`);
    }
  }
  if (waits.length === 0 && (stage === 'split' || stage === 'bandit')) {
    if (provedArm(spec, judged.arms, look.comparisons) === undefined) {
      const open =
        judged.arms.length === 1 ? unproved(spec, judged.arms[0]?.arm ?? '', look.comparisons) : [];
      waits.push(
        open.length > 0 ? `proof (${open.join('; ')})` : `an arm that is proved ${provedWord(spec)}`,
      );
    }
  }
  if (stage !== 'shadow') {
    for (const name of spec.segments) {
      // What is protected and was never seen is not known to be safe.
      if (judged.seen.segments.some((s) => s.feature === name)) continue;
      const { have, need } = look.requests;
      waits.push(
        have < Math.max(1, need)
          ? `feature ${name} in the log`
          : `feature ${name} in the log, which none of ${have.toLocaleString('en-US')} requests has: if "segments" misspells it, abort this, mend the plan and begin again`,
      );
    }
  }
  return waits;
}

/** Requests of which none was copied before it is told of. */
const uncopied = 100;

/** Copies are made in gaps, so that some are missing says nothing; that all are does. */
function noCopies({ seen, routeVersion }: Judged, { requests }: Draft): string {
  const answered = seen.strata
    .filter((s) => s.routeVersion >= routeVersion)
    .reduce((sum, s) => sum + s.requests, 0);
  if (requests.have > 0 || answered < Math.max(uncopied, requests.need)) return '';
  return `, where none of ${answered.toLocaleString('en-US')} requests was copied: look at the replicas for whether they have loaded the version, and how many copies they dropped`;
}

/** What looks worse on the same requests, without being known to be so yet. */
function suspicions({ arms, seen, spec }: Judged, { comparisons }: Draft): readonly string[] {
  return comparisons
    .filter((c) => c.compared === 'pairs' && c.segment === null && c.metric === spec.metric)
    .filter(({ arm, alpha, metric }) => {
      const challenger = arms.find((a) => a.arm === arm);
      return challenger && looksWorse(challenger, seen.pairs, { metric, alpha, targetN: spec.minLabels });
    })
    .map(comparisonText);
}

function passText(judged: Judged, look: Draft): string {
  const { spec, stage, percent, arms } = judged;
  const requests = look.requests.have.toLocaleString('en-US');
  if (stage === 'shadow') return `${requests} copies without fault`;
  const best = stage === 'canary' ? arms[0]?.arm : provedArm(spec, arms, look.comparisons);
  const primary = look.comparisons.find((c) => c.arm === best);
  const compared = primary ? `; ${comparisonText(primary)}${scopeText(judged)}` : '';
  if (stage === 'canary') return `${requests} requests at ${percent} % without fault${compared}`;
  return `${best} is ${provedWord(spec)}${compared}`;
}
