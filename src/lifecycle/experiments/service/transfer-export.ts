import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type {
  ItemKind,
  TransferFile,
  TransferModel,
  TransferRun,
  TransferSeries,
} from '../contract/transfer.ts';
import { hydrateRuns } from '../store/hydrate.ts';
import { hydrateModels } from '../store/logged-models.ts';
import { settlePoints } from '../store/settling.ts';
import {
  modelRowsAfter,
  modelRowsById,
  pointsAfter,
  runRowsAfter,
  runRowsById,
  seriesOfRun,
} from '../store/transfer-rows.ts';
import { filesOf, transferModel, transferRun } from '../transfer-read.ts';
import { parseExperimentId } from '../validation.ts';
import { type ExperimentsDeps, runById } from './context.ts';

/** The point after which a page goes on: step, time, value, NaN flag. */
type PointKey = readonly [number, number, number, number];

/** Reading experiments out whole, in the form in which an import takes them. */
export function exportOperations(deps: ExperimentsDeps) {
  const { db } = deps;
  return {
    /** Runs of an experiment in any stage, by id, after `afterId`. */
    async runs(
      actor: Actor,
      experimentId: string,
      limit: number,
      afterId: string,
    ): Promise<readonly TransferRun[]> {
      authorize(actor, 'read');
      const rows = await runRowsAfter(db.read, parseExperimentId(experimentId), afterId, limit);
      return (await hydrateRuns(db.read, rows)).map(transferRun);
    },

    /** Logged models of an experiment in any stage, by id, after `afterId`. */
    async models(
      actor: Actor,
      experimentId: string,
      limit: number,
      afterId: string,
    ): Promise<readonly TransferModel[]> {
      authorize(actor, 'read');
      const rows = await modelRowsAfter(db.read, parseExperimentId(experimentId), afterId, limit);
      return (await hydrateModels(db.read, rows)).map(transferModel);
    },

    /** The metrics of a run that have points. Throws `run_unknown`. */
    async keys(actor: Actor, runId: string): Promise<readonly string[]> {
      authorize(actor, 'read');
      const { seq } = await runById(db.read, runId);
      await settlePoints(db, seq);
      return (await seriesOfRun(db.read, seq)).map(({ key }) => key);
    },

    /** Points of a metric, ascending by (step, time, value, NaN flag). Throws `run_unknown`. */
    async points(
      actor: Actor,
      at: { readonly runId: string; readonly key: string },
      limit: number,
      after: PointKey | null,
    ): Promise<{ readonly series: TransferSeries; readonly last: PointKey | null }> {
      authorize(actor, 'read');
      const { seq } = await runById(db.read, at.runId);
      await settlePoints(db, seq);
      const found = (await seriesOfRun(db.read, seq)).find(({ key }) => key === at.key);
      const from = after && {
        step: after[0],
        timeMs: after[1],
        value: after[2],
        isNan: after[3] === 1,
      };
      const rows = found ? await pointsAfter(db.read, found.id, from, limit) : [];
      const last = rows.at(-1);
      return {
        series: {
          ...at,
          steps: rows.map((row) => row.step),
          timesMs: rows.map((row) => row.time_ms),
          values: rows.map((row) => (row.is_nan === 1 ? null : row.value)),
        },
        last: last && rows.length === limit ? [last.step, last.time_ms, last.value, last.is_nan] : null,
      };
    },

    /** The files of a run or logged model that this server keeps. Throws `run_unknown`, `logged_model_unknown`. */
    async files(actor: Actor, kind: ItemKind, id: string): Promise<readonly TransferFile[]> {
      authorize(actor, 'read');
      const [row] = kind === 'run' ? await runRowsById(db.read, [id]) : await modelRowsById(db.read, [id]);
      if (!row) throw fail(kind === 'run' ? 'run_unknown' : 'logged_model_unknown', { id });
      return filesOf(db.read, row.artifact_uri);
    },
  };
}
