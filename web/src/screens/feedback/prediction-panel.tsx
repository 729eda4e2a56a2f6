import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { PredictionDetail } from '../../../../src/lifecycle/feedback/contract.ts';
import { asProblem } from '../../api/problem.ts';
import { predictionQuery } from '../../api/queries.ts';
import { Facts } from '../../kit/facts.tsx';
import { formatDuration, formatNumber, formatPercent } from '../../kit/format.ts';
import { ArmSwatch, IdentitySwatch } from '../../kit/identity.tsx';
import { beginningOf, JsonView } from '../../kit/json-view.tsx';
import { QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { Ago, EventTime } from '../../kit/time.tsx';
import { hasFailed } from '../serving/recent-answers.ts';
import { LabelSource } from './label-source.tsx';
import { sentInstead } from './sent-instead.ts';

/** One answer: what was asked, what was said and by whom, what became true. */
export function PredictionPanel(props: {
  readonly endpoint: string;
  readonly id: string;
  readonly onClose: () => void;
}) {
  const prediction = useQuery(predictionQuery(props.endpoint, props.id));
  return (
    <SidePanel title="Prediction" label="Prediction" onClose={props.onClose}>
      {prediction.isError && asProblem(prediction.error).code === 'prediction_of_rows' ? (
        <OfRows {...props} />
      ) : (
        <QueryView query={prediction} rows={8}>
          {(data) => <PredictionBody prediction={data} />}
        </QueryView>
      )}
    </SidePanel>
  );
}

/** The id is a request's whose rows are predictions of their own. */
function OfRows(props: { readonly endpoint: string; readonly id: string }) {
  const { endpoint, id } = props;
  const first = `${id}-0`;
  return (
    <p className="wrap-anywhere">
      <bdi>{id}</bdi> is a request of several rows. Each of them is a prediction with a number behind that id,
      from 0; the first is{' '}
      <Link to="/predictions" search={{ endpoint, id: first }} className="text-accent underline">
        <bdi>{first}</bdi>
      </Link>
      .
    </p>
  );
}

/** The answer and its truth as one sentence. */
function verdict(prediction: PredictionDetail): string {
  if (prediction.status !== 'ok') {
    const what = prediction.refused
      ? 'Refused for what was sent'
      : hasFailed(prediction)
        ? 'Failed'
        : 'No answer';
    return `${what}: ${prediction.error ?? prediction.status}.`;
  }
  const { score } = prediction;
  const said = score === null ? 'Answered without a score' : `Said ${formatNumber(score, 3)}`;
  if (!prediction.label) return `${said}; the truth is not known yet.`;
  const delay = Date.parse(prediction.label.eventTime) - Date.parse(prediction.eventTime);
  return `${said}; it turned out ${prediction.label.value}, known ${formatDuration(delay)} later.`;
}

/**
 * A feature that the log has no value of: there was none, what was sent is none of its type, or the request was refused
 * before it was read.
 */
function Unfit(props: { readonly sent: string | null; readonly refused: boolean }) {
  if (props.sent === null)
    return <span className="text-faint">{props.refused ? 'not recorded' : 'missing'}</span>;
  return (
    <>
      <bdi>{props.sent}</bdi> <span className="text-muted">(refused)</span>
    </>
  );
}

function PredictionBody(props: { readonly prediction: PredictionDetail }) {
  const { prediction } = props;
  const features = Object.entries(prediction.features);
  return (
    <div className="flex flex-col gap-5">
      <p className="wrap-anywhere text-lead">{verdict(prediction)}</p>
      <Facts
        facts={[
          [
            'Answered by',
            <span key="v" className="flex flex-wrap items-center gap-x-2">
              <ArmSwatch arm={prediction.arm} />
              <Link
                to="/models/$model/versions/$version"
                params={{ model: prediction.model, version: prediction.modelVersion }}
                className="wrap-anywhere min-w-0 text-accent"
              >
                <bdi>{prediction.model}</bdi> <bdi>v{prediction.modelVersion}</bdi>
              </Link>
              {prediction.arm}
            </span>,
          ],
          ['Event time', <EventTime key="e" at={prediction.eventTime} precise />],
          ['Asked', <Ago key="r" at={prediction.receivedAt} />],
          ['Took', `${formatNumber(prediction.latencyMs, 2)} ms`],
          prediction.firstPieceMs !== null && [
            'First piece after',
            `${formatNumber(prediction.firstPieceMs, 2)} ms; the rest followed in pieces`,
          ],
          prediction.entity !== null && [
            'Entity',
            <Link
              key="en"
              to="/predictions"
              search={{ endpoint: prediction.endpoint, entity: prediction.entity }}
              className="text-accent"
            >
              {prediction.entity}
            </Link>,
          ],
          prediction.propensity !== null && [
            'Chance of this arm',
            `${formatPercent(prediction.propensity)}${prediction.bucket === null ? '' : `, bucket ${prediction.bucket}`}`,
          ],
          prediction.logLoss !== null && ['Log loss', formatNumber(prediction.logLoss)],
          ['Id', <Id key="id" id={prediction.predictionId} />],
        ]}
      />
      {prediction.labels.length > 0 && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">What became known</h3>
          {prediction.labels.map((label) => (
            <p
              key={`${label.eventTime} ${label.receivedAt} ${label.signal} ${label.value} ${label.counts}`}
              className={`wrap-anywhere ${label.counts ? '' : 'text-muted'}`}
            >
              <EventTime at={label.eventTime} precise /> {label.signal ?? 'label'}{' '}
              <bdi>{String(label.value)}</bdi>
              {label.counts ? ' (counts)' : ''},{' '}
              <LabelSource source={label.source} endpoint={prediction.endpoint} />
              {label.note && <span className="text-muted">: {label.note}</span>}
            </p>
          ))}
        </section>
      )}
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">What was asked</h3>
        {features.length === 0 ? (
          <p className="text-muted">No feature was recorded.</p>
        ) : (
          <Facts
            facts={features.map(
              ([name, value]) =>
                [
                  name,
                  value === null ? (
                    <Unfit key={name} sent={sentInstead(prediction, name)} refused={prediction.refused} />
                  ) : (
                    beginningOf(String(value))
                  ),
                ] as const,
            )}
          />
        )}
      </section>
      {prediction.shadows.length > 0 && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">What others said unheard</h3>
          {prediction.shadows.map((shadow) => (
            <p key={shadow.modelVersion} className="inline-flex items-center gap-2">
              <IdentitySwatch identity="shadow" /> v{shadow.modelVersion}:{' '}
              {shadow.score === null ? shadow.status : formatNumber(shadow.score, 3)}
              <span className="text-muted">in {shadow.latencyMs.toFixed(2)} ms</span>
            </p>
          ))}
        </section>
      )}
      {prediction.outputs !== null && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">Outputs</h3>
          <JsonView value={prediction.outputs} label="Outputs" />
        </section>
      )}
    </div>
  );
}
