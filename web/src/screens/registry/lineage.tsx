import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { shortId } from '../../kit/format.ts';

/** Where the version comes from and where it went, as one line of links: rows, run, version, package, place. */
export function Lineage(props: { readonly version: ModelVersion }) {
  const { version } = props;
  const link = 'text-accent';
  const stops: readonly (readonly [string, ReactNode] | null)[] = [
    version.datasetVersionId
      ? [
          'rows',
          <Link key="d" to="/datasets" search={{ version: version.datasetVersionId }} className={link}>
            {version.datasetDigest ? shortId(version.datasetDigest) : 'dataset'}
          </Link>,
        ]
      : version.datasetDigest
        ? ['rows', shortId(version.datasetDigest)]
        : null,
    version.sourceRunId
      ? [
          'run',
          <Link key="r" to="/runs/$runId" params={{ runId: version.sourceRunId }} className={link}>
            {version.sourceRunId.slice(0, 8)}
          </Link>,
        ]
      : null,
    [
      'version',
      <span key="v" className="font-strong">
        v{version.version}
      </span>,
    ],
    [
      'package',
      version.digest ? (
        <span key="p" className="font-mono text-label">
          {shortId(version.digest)}
        </span>
      ) : (
        <span key="p" className="text-faint">
          none
        </span>
      ),
    ],
    [
      'serves as',
      version.aliases.length > 0 ? (
        version.aliases.join(', ')
      ) : (
        <span key="a" className="text-faint">
          nothing
        </span>
      ),
    ],
  ];
  return (
    <nav className="flex flex-wrap items-center gap-x-3 gap-y-2" aria-label="Lineage">
      {stops
        .filter((stop) => stop !== null)
        .map(([label, value], index) => (
          <Fragment key={label}>
            {index > 0 && (
              <span aria-hidden className="text-faint">
                →
              </span>
            )}
            <span className="inline-flex items-baseline gap-2 rounded-control border border-line bg-surface px-2.5 py-1">
              <span className="text-label text-muted">{label}</span>
              {value}
            </span>
          </Fragment>
        ))}
    </nav>
  );
}
