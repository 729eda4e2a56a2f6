import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ConversionReport, PackageManifest } from '../../../../src/core/model-package.ts';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { packageQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { plural, shortId } from '../../kit/format.ts';
import { Card, QueryCard } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { comparedRows, formatSmall, packageText, placeOnScale } from './conversion.ts';

/** What computes the version, and how far its ONNX form is from the model itself. */
export function PackageCard(props: { readonly version: ModelVersion; readonly action: ReactNode }) {
  const { version, action } = props;
  const manifest = useQuery({ ...packageQuery(version.digest ?? ''), enabled: version.digest !== null });
  if (version.digest === null) {
    return (
      <Card title="Package" actions={action}>
        <EmptyLine>
          Not packaged yet. Packaging finds what computes the version: its ONNX form where that is as good as
          the model itself, else Python.
        </EmptyLine>
      </Card>
    );
  }
  return (
    <QueryCard title="Package" note="what computes it" query={manifest} rows={4}>
      {(data) => <PackageBody manifest={data} digest={version.digest ?? ''} />}
    </QueryCard>
  );
}

function PackageBody(props: { readonly manifest: PackageManifest; readonly digest: string }) {
  const { manifest, digest } = props;
  const { runtime, conversion, score, classes } = manifest;
  const { runs, why } = packageText(manifest);
  return (
    <div className="flex flex-col gap-4">
      <div>
        <p>
          Runs <span className="font-strong">{runs}</span>.
        </p>
        <p className="break-words text-muted">{why}</p>
      </div>
      {conversion && <Conversion report={conversion} />}
      <Facts
        facts={[
          score && [
            'Score',
            `${score.output}${classes?.[score.index] === undefined ? '' : `, of class ${classes[score.index]}`}`,
          ],
          classes && classes.length > 0 && ['Classes', classes.slice(0, 12).join(', ')],
          ['Data contract', manifest.contract ? 'checked at every request' : 'none'],
          runtime.kind === 'python' && [
            'Environment',
            <span key="environment" data-tip={runtime.requirements.join('\n')}>
              {runtime.pythonVersion ? `Python ${runtime.pythonVersion}, ` : ''}
              {plural(runtime.requirements.length, 'requirement')}, {plural(runtime.files.length, 'file')}
            </span>,
          ],
          runtime.kind === 'remote' && ['Answers within', `${runtime.timeoutMs}\u202fms`],
          manifest.onnx !== null && [
            'Graph',
            <Id key="graph" id={manifest.onnx} text={shortId(manifest.onnx)} />,
          ],
          ['Manifest', <Id key="digest" id={digest} text={shortId(digest)} />],
        ]}
      />
    </div>
  );
}

/** How far the two forms are apart at most, beside what is allowed, on a scale of powers of ten. */
function Conversion(props: { readonly report: ConversionReport }) {
  const { report } = props;
  const rows = comparedRows(report);
  if (rows.length === 0) return null;
  return (
    <table className="w-full">
      <caption className="pb-1 text-left text-label text-muted">
        ONNX form beside the model itself: greatest difference, at most {formatSmall(report.bound)} is allowed
      </caption>
      <tbody>
        {rows.map((row) => (
          <tr key={row.on} className="border-line border-t">
            <td className="py-1.5 pr-3">
              {row.on}
              <span className="block text-label text-muted">{plural(row.rows, 'row')}</span>
            </td>
            <td className="w-28 py-1.5 pr-3">
              <DifferenceScale difference={row.difference} bound={report.bound} isWithin={row.isWithin} />
            </td>
            <td className="whitespace-nowrap py-1.5 text-right">
              <span className="inline-flex items-center gap-1.5">
                {formatSmall(row.difference)}
                <StateMark
                  state={row.isWithin ? 'good' : 'bad'}
                  label={row.isWithin ? 'within the bound' : 'beyond the bound'}
                />
              </span>
            </td>
          </tr>
        ))}
        {!report.holdout && (
          <tr className="border-line border-t text-muted">
            <td className="py-1.5" colSpan={3}>
              Hold-out: none was given; a loop gives it.
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function DifferenceScale(props: {
  readonly difference: number;
  readonly bound: number;
  readonly isWithin: boolean;
}) {
  const at = (value: number): string => `${placeOnScale(value) * 100}%`;
  return (
    <span className="relative block h-3" aria-hidden="true" data-tip="From 10⁻¹⁶ to 1, by powers of ten">
      <span className="absolute inset-x-0 top-[5px] h-0.5 rounded-full bg-sunken" />
      <span
        className={`absolute top-[5px] left-0 h-0.5 rounded-full ${props.isWithin ? 'bg-good' : 'bg-bad'}`}
        style={{ width: at(props.difference) }}
      />
      <span className="absolute inset-y-0 w-px bg-muted" style={{ left: at(props.bound) }} />
    </span>
  );
}
