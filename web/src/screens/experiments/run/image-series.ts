import type { ArtifactEntry } from '../../../../../src/lifecycle/experiments/contract.ts';
import { byName } from '../../../kit/by-name.ts';

export type ImageSeries = {
  readonly key: string;
  /** By step, then by time. */
  readonly frames: readonly { readonly step: number; readonly timeMs: number; readonly path: string }[];
};

/** `images/<key>+step+<step>+timestamp+<ms>+<uuid>.png`, as `mlflow.log_image` writes it; some clients write `%` for `+`. */
const NAME = /^images\/(.+?)([%+])step\2(\d+)\2timestamp\2(\d+)\2([\w-]+?)(\2compressed)?\.(\w+)$/;

/** Series of images by step. Of each image only the full one is kept, not the small copy beside it. */
export function imageSeries(
  entries: readonly Pick<ArtifactEntry, 'path' | 'isDirectory'>[],
): readonly ImageSeries[] {
  const series = new Map<string, { step: number; timeMs: number; path: string }[]>();
  for (const entry of entries) {
    const found = entry.isDirectory ? null : NAME.exec(entry.path);
    if (!found || found[6] !== undefined) continue;
    const key = (found[1] ?? '').replaceAll('#', '/');
    const frames = series.get(key) ?? [];
    frames.push({ step: Number(found[3]), timeMs: Number(found[4]), path: entry.path });
    series.set(key, frames);
  }
  return [...series]
    .map(([key, frames]) => ({
      key,
      frames: frames.toSorted((a, b) => a.step - b.step || a.timeMs - b.timeMs),
    }))
    .toSorted((a, b) => byName(a.key, b.key));
}
