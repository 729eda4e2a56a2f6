import { Link } from '@tanstack/react-router';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { Facts } from '../../kit/facts.tsx';
import { shortId } from '../../kit/format.ts';
import { Card } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { Ago } from '../../kit/time.tsx';
import { actorName } from '../../kit/turn-text.ts';
import { Description } from './description.tsx';
import { EditVersionTags } from './version-tags.tsx';

/** Description, stage, tags, and where its files are. */
export function AboutCard(props: { readonly version: ModelVersion }) {
  const { version } = props;
  return (
    <Card title="About" actions={<EditVersionTags version={version} />}>
      <div className="pb-2">
        <Description
          title={`Description of v${version.version}`}
          path={`/registered-models/${encodeURIComponent(version.name)}/versions/${version.version}`}
          text={version.description}
        />
      </div>
      <Facts
        facts={[
          version.stage !== 'None' && ['Stage', version.stage.toLowerCase()],
          version.status !== 'READY' && [
            'Registration',
            version.statusMessage ?? version.status.toLowerCase().replaceAll('_', ' '),
          ],
          ['Registered', <Ago key="at" at={version.createdAt} />],
          ['By', actorName(version.createdBy)],
          version.sourceRunId !== null && [
            'Run',
            <Link key="run" to="/runs/$runId" params={{ runId: version.sourceRunId }} className="text-accent">
              {version.sourceRunId.slice(0, 12)}
            </Link>,
          ],
          version.digest !== null && [
            'Package',
            <Id key="d" id={version.digest} text={shortId(version.digest)} />,
          ],
          [
            'Files at',
            <span key="source" className="break-all font-mono text-label text-muted">
              {version.source}
            </span>,
          ],
          ...Object.entries(version.tags).map(([key, value]) => [key, value] as const),
        ]}
      />
    </Card>
  );
}

export function Signature(props: { readonly signature: NonNullable<ModelVersion['signature']> }) {
  return (
    <Facts
      facts={[
        ...props.signature.inputs.map(
          (field) =>
            [
              field.name,
              <span key={field.name} className="text-muted">
                {field.type}
                {field.required ? '' : ', may be missing'}
              </span>,
            ] as const,
        ),
        ...props.signature.outputs.map(
          (field) =>
            [
              `→ ${field.name}`,
              <span key={field.name} className="text-muted">
                {field.type}
                {field.shape.length > 0 ? ` [${field.shape.join(', ')}]` : ''}
              </span>,
            ] as const,
        ),
      ]}
    />
  );
}
