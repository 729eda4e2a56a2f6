import type { DataService } from '../lifecycle/data/index.ts';
import type { FeedbackService } from '../lifecycle/feedback/index.ts';
import type { LeftBehind } from '../lifecycle/governance/index.ts';
import { systemActor } from '../platform/access/index.ts';
import type { DirectoryBlobStore } from '../platform/blobs/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../platform/frames/index.ts';

const page = 500;

/** Versions of datasets that have an entity in the column of that role, as it is or as the log has it. */
export function datasetsWith(parts: {
  readonly data: DataService;
  readonly feedback: FeedbackService;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
}): LeftBehind {
  const { data, feedback, blobs, frames } = parts;
  return async ({ entity }) => {
    const texts = feedback.hashKeys.entityForms(entity);
    const wanted = texts.map(sqlLiteral).join(', ');
    const left: { id: string; dataset: string; version: number; rows: number }[] = [];
    for (let afterId: string | undefined; ; ) {
      const versions = await data.versions(systemActor, { limit: page, afterId });
      for (const { id, dataset, version, digest, entity: column } of versions) {
        if (column === null || !(await blobs.info(digest))) continue;
        const file = sqlLiteral(await blobs.path(digest));
        const [found] = await frames.query(
          `SELECT count(*) AS n FROM read_parquet(${file}) WHERE ${sqlName(column)}::VARCHAR IN (${wanted})`,
        );
        if (Number(found?.n) > 0) left.push({ id, dataset, version, rows: Number(found?.n) });
      }
      afterId = versions.at(-1)?.id;
      if (versions.length < page) return left;
    }
  };
}
