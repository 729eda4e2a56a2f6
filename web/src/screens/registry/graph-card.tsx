import { useQuery } from '@tanstack/react-query';
import { ArrowRight, Boxes } from 'lucide-react';
import type { Digest } from '../../../../src/core/json.ts';
import type { GraphStep } from '../../../../src/core/package-runtime.ts';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { packageQuery } from '../../api/queries.ts';
import { shortId } from '../../kit/format.ts';
import { Card } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { packageText } from './conversion.ts';
import { branchesOf, branchingText, renamed } from './graph-text.ts';

/** The way of a request through a graph of packages; nothing for a version that is none. */
export function GraphCard(props: { readonly version: ModelVersion }) {
  const { digest } = props.version;
  const manifest = useQuery({ ...packageQuery(digest ?? ''), enabled: digest !== null });
  const runtime = manifest.data?.runtime;
  if (runtime?.kind !== 'graph') return null;
  return (
    <Card title="Graph" note="the way of each request">
      <Scroll label="Graph" className="pb-1">
        <Step step={runtime.step} />
      </Scroll>
    </Card>
  );
}

function Step(props: { readonly step: GraphStep }) {
  const { step } = props;
  if (step.kind === 'model') return <ModelStep step={step} />;
  if (step.kind === 'sequence') return <Sequence step={step} />;
  return (
    <section aria-label={step.name} className="rounded-control border border-line-strong bg-sunken p-2.5">
      <h3 className="pb-2 text-label text-muted">
        <span className="font-strong text-body">{step.name}</span> {branchingText(step)}
      </h3>
      <ul className="flex flex-col gap-2">
        {branchesOf(step).map(({ label, step: inner }) => (
          <li
            key={inner?.name ?? label}
            className="flex items-center gap-2 max-sm:flex-col max-sm:items-start"
          >
            <span className="min-w-24 text-label text-muted">{label}</span>
            {inner && (
              <>
                <ArrowRight size={14} className="shrink-0 text-muted max-sm:hidden" aria-hidden="true" />
                <Step step={inner} />
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Sequence(props: { readonly step: Extract<GraphStep, { readonly kind: 'sequence' }> }) {
  const { steps, outputs } = props.step;
  return (
    <ol className="flex items-center gap-2 max-sm:flex-col max-sm:items-start">
      {steps.map((inner, i) => (
        <li key={inner.name} className="flex items-center gap-2 max-sm:flex-col max-sm:items-start">
          {i > 0 && (
            <ArrowRight size={14} className="shrink-0 text-muted max-sm:rotate-90" aria-hidden="true" />
          )}
          <Step step={inner} />
        </li>
      ))}
      {outputs && <li className="text-label text-muted">answers {outputs.join(', ')}</li>}
    </ol>
  );
}

function ModelStep(props: { readonly step: Extract<GraphStep, { readonly kind: 'model' }> }) {
  const { name, package: digest, inputs, outputs } = props.step;
  const manifest = useQuery(packageQuery(digest)).data;
  const [takes, gives] = [renamed(inputs, 'in'), renamed(outputs, 'out')];
  return (
    <div className="flex min-w-40 flex-col rounded-control border border-line bg-surface px-2.5 py-1.5">
      <span className="flex items-center gap-1.5 text-label text-muted">
        <Boxes size={14} aria-hidden="true" /> {name}
      </span>
      <span data-tip={manifest ? `Runs ${packageText(manifest).runs}` : undefined}>
        {manifest?.model ?? '…'} <PackageId digest={digest} />
      </span>
      {takes && <span className="text-label text-muted">takes {takes}</span>}
      {gives && <span className="text-label text-muted">gives {gives}</span>}
      {manifest?.runtime.kind === 'graph' && (
        <div className="pt-1.5">
          <Step step={manifest.runtime.step} />
        </div>
      )}
    </div>
  );
}

function PackageId(props: { readonly digest: Digest }) {
  return <span className="font-mono text-label text-muted">{shortId(props.digest)}</span>;
}
