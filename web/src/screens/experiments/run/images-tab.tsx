import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { artifactsQuery } from '../../../api/queries.ts';
import { Empty } from '../../../kit/empty.tsx';
import { SearchField } from '../../../kit/fields.tsx';
import { plural } from '../../../kit/format.ts';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { fileUrl } from './files.ts';
import { type ImageSeries, imageSeries } from './image-series.ts';

const AT_ONCE = 24;

/** Images that were logged by step, side by side at the same step. */
export function ImagesTab(props: { readonly run: RunDetail }) {
  const { run } = props;
  const folder = useQuery(artifactsQuery(run.id, 'images'));
  return (
    <QueryView
      query={folder}
      rows={6}
      isEmpty={(page) => imageSeries(page.items).length === 0}
      empty={
        <Empty title="No images by step" type={'mlflow.log_image(image, key="prediction", step=epoch)'}>
          Images that were logged as plain files are under{' '}
          <Link
            to="/runs/$runId"
            params={{ runId: run.id }}
            search={{ tab: 'files' }}
            className="text-accent"
          >
            Files
          </Link>
          . A series by step is logged like this:
        </Empty>
      }
    >
      {(page) => <Series run={run} series={imageSeries(page.items)} />}
    </QueryView>
  );
}

function Series(props: { readonly run: RunDetail; readonly series: readonly ImageSeries[] }) {
  const { run, series } = props;
  const [query, setQuery] = useState('');
  const steps = useMemo(
    () =>
      [...new Set(series.flatMap((each) => each.frames.map((frame) => frame.step)))].toSorted(
        (a, b) => a - b,
      ),
    [series],
  );
  const [at, setAt] = useState(steps.length - 1);
  const step = steps[Math.min(at, steps.length - 1)] ?? 0;
  const found = series.filter((each) => each.key.toLowerCase().includes(query.toLowerCase()));
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        {steps.length > 1 && (
          <label className="inline-flex min-w-0 flex-1 basis-72 items-center gap-3">
            Step
            <input
              type="range"
              min={0}
              max={steps.length - 1}
              value={Math.min(at, steps.length - 1)}
              aria-valuetext={`step ${step}`}
              onChange={(event) => setAt(Number(event.target.value))}
              className="min-w-0 max-w-96 flex-1 accent-accent"
            />
            <span className="w-16">{step}</span>
          </label>
        )}
        {series.length > 6 && <SearchField label="Search images" value={query} onChange={setQuery} />}
      </div>
      <div className="grid grid-cols-[repeat(auto-fill,minmax(min(260px,100%),1fr))] gap-4">
        {found.slice(0, AT_ONCE).map((each) => {
          const frame = each.frames.findLast((one) => one.step <= step) ?? each.frames[0];
          if (!frame) return null;
          return (
            <Card
              key={each.key}
              title={<span className="break-all font-strong text-body">{each.key}</span>}
              note={`step ${frame.step}${frame.step === step ? '' : ', the nearest before'}`}
            >
              <a href={fileUrl({ runId: run.id }, frame.path)} target="_blank" rel="noreferrer">
                <img
                  src={fileUrl({ runId: run.id }, frame.path)}
                  alt={`${each.key} at step ${frame.step}`}
                  className="aspect-[4/3] w-full bg-sunken object-contain [image-rendering:auto]"
                />
              </a>
            </Card>
          );
        })}
      </div>
      {found.length > AT_ONCE && (
        <p className="text-muted">
          {AT_ONCE} of {plural(found.length, 'series', 'series')}; search for others.
        </p>
      )}
    </div>
  );
}
