import { Link } from '@tanstack/react-router';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { formatPercent } from '../../kit/format.ts';
import { ArmSwatch, armStroke, IdentitySwatch } from '../../kit/identity.tsx';

/** Who gets how much of the traffic now: one bar, one line per version under it. */
export function TrafficBar(props: { readonly endpoint: Pick<Endpoint, 'arms' | 'shadow' | 'model'> }) {
  const { arms, shadow, model } = props.endpoint;
  if (arms.length === 0)
    return (
      <p className="text-muted">
        No version is deployed; requests are answered with an error that says so.{' '}
        <Link to="/models/$model" params={{ model }} className="wrap-anywhere text-accent underline">
          Choose a version of {model} to deploy
        </Link>
      </p>
    );
  return (
    <div className="flex flex-col gap-2.5">
      <div
        className="flex h-3 gap-0.5 overflow-hidden rounded-full"
        role="img"
        aria-label={arms.map((arm) => `v${arm.modelVersion} ${formatPercent(arm.weight)}`).join(', ')}
      >
        {arms
          .map((arm) => ({ ...arm, background: armStroke(arm.arm).colour }))
          .filter((arm) => arm.weight > 0)
          .map(({ arm, modelVersion, weight, background }) => (
            <span
              key={arm}
              data-tip={`v${modelVersion}, ${arm}: ${formatPercent(weight)}`}
              style={{ background, width: `${Math.max(0.8, weight * 100)}%` }}
            />
          ))}
      </div>
      <div className="flex flex-wrap gap-x-8 gap-y-1">
        {arms.map((arm) => (
          <span key={arm.arm} className="inline-flex min-w-0 max-w-full items-center gap-2">
            <ArmSwatch arm={arm.arm} />
            <Link
              to="/models/$model/versions/$version"
              params={{ model, version: arm.modelVersion }}
              className="wrap-anywhere max-w-3/5 shrink-0 font-strong hover:text-accent"
            >
              v{arm.modelVersion}
            </Link>
            <span className="text-muted">{arm.arm}</span>
            <span className="whitespace-nowrap text-section">{formatPercent(arm.weight)}</span>
          </span>
        ))}
        {shadow && (
          <span className="inline-flex min-w-0 max-w-full items-center gap-2">
            <IdentitySwatch identity="shadow" />
            <Link
              to="/models/$model/versions/$version"
              params={{ model, version: shadow.modelVersion }}
              className="wrap-anywhere max-w-3/5 shrink-0 font-strong hover:text-accent"
            >
              v{shadow.modelVersion}
            </Link>
            <span className="text-muted">shadow: answers every request, nobody hears it</span>
          </span>
        )}
      </div>
    </div>
  );
}
