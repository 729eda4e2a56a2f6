import type { FeedbackSummary, PredictionDetail } from '../../../src/lifecycle/feedback/contract.ts';
import type { Turn } from '../../../src/loop/contract.ts';
import type { Api } from './api.ts';
import type { Ledger } from './ledger.ts';
import { loopName } from './replay.ts';

/** Something the demo says of itself, and what was found when it was checked. */
export interface Claim {
  readonly claim: string;
  readonly ok: boolean;
  readonly found: string;
}

/** What was done to the loop on purpose. */
interface Injected {
  /** Reason of the trigger, by which its turn is known. */
  readonly shuffled: string;
  readonly clock12: string;
}

export interface Evidence {
  readonly turns: readonly Turn[];
  readonly injected: Injected;
  readonly ledger: Ledger;
  readonly feedback: FeedbackSummary;
  readonly retriedRequests: number;
  readonly kill: { readonly control: number; readonly serve: number; readonly backAfterMs: number } | null;
  /** Largest distance of version 1's answers from those of the logged model in scikit-learn. */
  readonly conversionError: number;
  readonly wrongSpotChecks: readonly string[];
  readonly spotChecks: number;
  /** Status of each screen that the demo points to. */
  readonly screens: readonly { readonly page: string; readonly status: number }[];
}

export function checkClaims(evidence: Evidence): readonly Claim[] {
  return [...loopClaims(evidence), ...countClaims(evidence)];
}

function loopClaims({ turns, injected, ledger, conversionError }: Evidence): readonly Claim[] {
  const first = turns.find((turn) => turn.number === 1);
  const shuffled = turns.find((turn) => turn.trigger.reason === injected.shuffled);
  const clock12 = turns.find((turn) => turn.trigger.reason === injected.clock12);
  const promoted = turns.filter((turn) => turn.state === 'promoted' && turn !== first);
  const failedGates = shuffled?.gates.filter((gate) => gate.verdict === 'fail') ?? [];
  const path = clock12?.transitions.map((step) => step.to) ?? [];
  const last = clock12?.rolloutHistory.at(-1);
  return [
    claim(
      'January trained a first champion, and it was deployed',
      first?.state === 'promoted',
      first?.reason,
    ),
    claim(
      'the loop found a reason to retrain by itself and promoted a challenger through shadow and canary',
      promoted.some(
        (turn) => turn.trigger.cause !== 'manual' && turn.transitions.some((step) => step.to === 'canary'),
      ),
      promoted
        .map((turn) => `turn ${turn.number} (${turn.trigger.cause}): version ${turn.challengerVersion}`)
        .join(', '),
    ),
    claim(
      'a candidate trained on shuffled labels was refused by an offline gate and never had traffic',
      shuffled?.state === 'rejected' &&
        failedGates.length > 0 &&
        ledger.answersOf(shuffled.challengerVersion ?? -1) === 0,
      failedGates.map((gate) => gate.reason).join('; '),
    ),
    claim(
      'a candidate that passed every offline gate but had learnt another clock was rolled back in canary',
      clock12?.state === 'rolled-back' &&
        clock12.gates.every((gate) => gate.verdict === 'pass') &&
        path.includes('canary') &&
        last?.comparisons[0]?.verdict === 'worse',
      clock12?.reason,
    ),
    claim(
      'what is served is what was trained: ONNX against the logged model in scikit-learn',
      conversionError < 1e-5,
      `largest difference ${conversionError.toExponential(1)}`,
    ),
  ];
}

function countClaims(evidence: Evidence): readonly Claim[] {
  const { ledger, feedback, kill, retriedRequests, wrongSpotChecks, spotChecks, screens } = evidence;
  const away = screens.filter(({ status }) => status !== 200);
  const { predictions, joined, waiting, failed, orphans, duplicateLabels } = feedback.total;
  const sent = ledger.labels.length;
  const number = (n: number) => n.toLocaleString('en-US');
  return [
    claim(
      'control and serve were killed with -9 under load, and the replay went on',
      kill !== null && ledger.answered === sent,
      kill
        ? `processes ${kill.control} and ${kill.serve}, back after ${(kill.backAfterMs / 1000).toFixed(1)} s, ${number(retriedRequests)} requests sent again`
        : 'not killed',
    ),
    claim(
      'sent = logged = joined + waiting, exactly',
      sent === predictions &&
        sent === joined + waiting &&
        joined === ledger.reported &&
        failed === 0 &&
        orphans === 0,
      `${number(sent)} sent, ${number(predictions)} logged, ${number(joined)} joined + ${number(waiting)} waiting; ` +
        `${number(ledger.reported)} outcomes reported, ${number(duplicateLabels)} of them twice, ${failed} failed, ${orphans} unknown`,
    ),
    claim(
      'each logged row is what was asked and answered',
      wrongSpotChecks.length === 0,
      wrongSpotChecks[0] ?? `${spotChecks} rows compared, none differs`,
    ),
    claim(
      'the screens are there to look at',
      away.length === 0,
      away.length === 0
        ? `${screens.length} pages answer`
        : away.map(({ page, status }) => `${page} answers ${status}`).join(', '),
    ),
  ];
}

/** Compares what the server has of some flights with what was sent and received. */
export async function checkRows(api: Api, ledger: Ledger, count: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { id, position } of ledger.spotChecks(count)) {
    const row = await api.get<PredictionDetail>(
      `/api/v1/predictions/${encodeURIComponent(id)}?endpoint=${loopName}`,
    );
    const label = row.label?.value;
    const same =
      row.score !== null &&
      Math.abs(row.score - (ledger.scores[position] ?? Number.NaN)) < 1e-6 &&
      Number(row.modelVersion) === ledger.versions[position] &&
      (label === undefined || Number(label) === ledger.labels[position]);
    if (!same) {
      wrong.push(
        `${id}: logged ${row.score} by version ${row.modelVersion}, label ${label}; answered ${ledger.scores[position]} by version ${ledger.versions[position]}, label ${ledger.labels[position]}`,
      );
    }
  }
  return wrong;
}

function claim(text: string, ok: boolean | undefined, found: string | undefined): Claim {
  return { claim: text, ok: ok === true, found: found || 'nothing' };
}
