import type { CsvOptions } from '../../../core/csv-dialect.ts';
import { formatTime } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { BlobSource } from '../../../platform/blobs/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import {
  type Conflict,
  type FeedbackSettings,
  type LabelDelays,
  type LabelDelaysQuery,
  type LabelFileFormat,
  type LabelQuery,
  type LabelQueryInput,
  type LabelQueryRun,
  type LabelsByDay,
  type LabelsByDayQuery,
  type LabelUpload,
  type PostLabelsResponse,
  type PostSignalsRequest,
  postSignalsRequestSchema,
  type WaitingLabel,
} from '../contract.ts';
import type { LabelLog } from '../label-log.ts';
import type { SourceStore, UploadPage } from '../store/source-store.ts';
import { labelDelays, labelsByDay, type Measured } from './label-delays.ts';
import { labelConflicts, unknownLabels } from './label-lists.ts';
import type { Matching } from './matching.ts';
import { decidedRange, ruleLabels } from './outcome-rule.ts';
import { Queries, type QueriesOptions } from './queries.ts';
import { RecentAnswers } from './recent-answers.ts';
import { Uploads, type UploadsOptions } from './uploads.ts';

interface LabelServiceOptions extends QueriesOptions, UploadsOptions {
  readonly frames: Frames;
  readonly labels: LabelLog;
  readonly sources: SourceStore;
  readonly matching: Matching;
  /** Local files, everything acknowledged included; `kind` of labels. */
  readonly files: (
    endpoint: string,
    range: { readonly fromMs?: number | undefined; readonly toMs?: number | undefined },
  ) => Promise<LabelFiles>;
  /** Behind the event time of the last prediction that was logged. */
  readonly endOfLog: (endpoint: string) => Promise<number>;
}

const dayMs = 86_400_000;

export interface LabelFiles {
  readonly predictions: readonly string[];
  readonly labels: readonly string[];
  readonly signals: readonly string[];
}

/** Where a page of waiting labels ends: in the labels by entity (their id), then in those by unknown ids (seq). */
type WaitingKey = readonly ['entity', string] | readonly ['id', number];

/** Labels and signals beyond the plain posting of labels: how they come, what waits, what is missing. */
export class LabelService {
  readonly #options: LabelServiceOptions;
  readonly #delays = new RecentAnswers<LabelDelays>();
  readonly #byDay = new RecentAnswers<LabelsByDay>();
  readonly uploads: Uploads;
  readonly queries: Queries;

  constructor(options: LabelServiceOptions) {
    this.#options = options;
    this.uploads = new Uploads(options);
    this.queries = new Queries(options);
  }

  /** Takes signals; resolves when all are on the disk. See `Intake.take`. */
  async postSignals(actor: Actor, request: PostSignalsRequest): Promise<PostLabelsResponse> {
    authorize(actor, 'feedback:write');
    const { endpoint, signals } = postSignalsRequestSchema.parse(request);
    return this.#options.intake.take(endpoint, signals, 'api');
  }

  async settings(actor: Actor, endpoint: string): Promise<FeedbackSettings> {
    authorize(actor, 'read');
    return this.#options.settings.settings(endpoint);
  }

  async putSettings(actor: Actor, endpoint: string, settings: FeedbackSettings): Promise<FeedbackSettings> {
    authorize(actor, 'feedback:write');
    const { db, settings: store, journal, clock } = this.#options;
    const before = await store.settings(endpoint);
    await db.write(async (tx) => {
      await store.putSettings(tx, endpoint, settings, clock.nowMs());
      await journal.appendAudit(tx, {
        actor,
        action: 'feedback-settings:put',
        subject: { kind: 'endpoint', id: endpoint },
        before,
        after: settings,
        reason: 'how labels of the endpoint are taken',
      });
    });
    return settings;
  }

  /** Takes a file of labels; see `Uploads.take`. With `wait` it is answered when all rows are worked through. */
  async upload(
    actor: Actor,
    endpoint: string,
    format: LabelFileFormat,
    body: BlobSource,
    wait: boolean,
    options: CsvOptions = {},
  ): Promise<LabelUpload> {
    authorize(actor, 'feedback:write');
    await this.#options.intake.requireEndpoint(endpoint);
    const upload = await this.uploads.take(endpoint, format, body, options);
    return wait ? this.uploads.finished(upload.id) : upload;
  }

  /** Newest first. */
  async listUploads(actor: Actor, page: UploadPage, endpoint?: string): Promise<readonly LabelUpload[]> {
    authorize(actor, 'read');
    return this.uploads.list(page, endpoint);
  }

  async findUpload(actor: Actor, id: string): Promise<LabelUpload> {
    authorize(actor, 'read');
    return this.uploads.find(id);
  }

  async putQuery(actor: Actor, name: string, input: LabelQueryInput): Promise<LabelQuery> {
    authorize(actor, 'feedback:write');
    await this.#options.intake.requireEndpoint(input.endpoint);
    return this.queries.put(actor, name, input);
  }

  async listQueries(actor: Actor): Promise<readonly LabelQuery[]> {
    authorize(actor, 'read');
    return this.queries.list();
  }

  async runQuery(actor: Actor, name: string): Promise<LabelQueryRun> {
    authorize(actor, 'feedback:write');
    return this.queries.run(name);
  }

  async removeQuery(actor: Actor, name: string): Promise<void> {
    authorize(actor, 'feedback:write');
    await this.queries.remove(actor, name);
  }

  /** Labels and signals without a prediction: first those by entity, then those by an id that nobody has. */
  async waiting(
    actor: Actor,
    endpoint: string,
    limit: number,
    after: WaitingKey | undefined,
  ): Promise<readonly (WaitingLabel & { readonly key: WaitingKey })[]> {
    authorize(actor, 'read');
    const { settings, matching, frames, files } = this.#options;
    const found: (WaitingLabel & { readonly key: WaitingKey })[] = [];
    if (after === undefined || after[0] === 'entity') {
      await matching.match(endpoint);
      for (const row of await settings.waiting(endpoint, limit, after?.[1] ?? '')) {
        const { id, entity, toleranceMs, signal, value, source } = row;
        const times = {
          at: formatTime(row.atMs),
          eventTime: formatTime(row.eventTimeMs),
          receivedAt: formatTime(row.receivedAtMs),
        };
        const label = {
          id,
          endpoint,
          predictionId: null,
          entity,
          toleranceMs,
          signal,
          value,
          source,
          ...times,
        };
        found.push({ ...label, key: ['entity', id] });
      }
    }
    if (found.length >= limit) return found;
    const { predictions, labels, signals } = await files(endpoint, {});
    const afterSeq = after?.[0] === 'id' ? after[1] : -1;
    const rest = limit - found.length;
    const unknown = await unknownLabels(
      frames,
      endpoint,
      predictions,
      [...labels, ...signals],
      rest,
      afterSeq,
    );
    for (const { seq, ...label } of unknown) found.push({ ...label, key: ['id', seq] });
    return found;
  }

  async conflicts(actor: Actor, endpoint: string, limit: number): Promise<readonly Conflict[]> {
    authorize(actor, 'read');
    const { labels } = await this.#options.files(endpoint, {});
    return labelConflicts(this.#options.frames, labels, limit);
  }

  /** How late labels are; see `RecentAnswers` for how new it is. Throws `feature_not_logged`. */
  async delays(actor: Actor, { fresh, ...asked }: LabelDelaysQuery): Promise<LabelDelays> {
    authorize(actor, 'read');
    const { endpoint, feature, from, to } = asked;
    return this.#delays.get(JSON.stringify(asked), fresh, async () => {
      const measured = await this.#measured(endpoint, { fromMs: msOf(from), toMs: msOf(to) });
      const measuredAt = formatTime(this.#options.clock.nowMs());
      const delays = await labelDelays(this.#options.frames, measured, { endpoint, feature });
      return { endpoint, feature: feature ?? null, ...delays, measuredAt };
    });
  }

  /** The same by day. Throws `not_found` (unknown endpoint). */
  async byDay(actor: Actor, { fresh, ...asked }: LabelsByDayQuery): Promise<LabelsByDay> {
    authorize(actor, 'read');
    const { endpoint, days, to } = asked;
    await this.#options.intake.requireEndpoint(endpoint);
    return this.#byDay.get(JSON.stringify(asked), fresh, async () => {
      const measuredAt = formatTime(this.#options.clock.nowMs());
      const toMs = msOf(to) ?? (await this.#options.endOfLog(endpoint));
      const fromMs = (Math.ceil(toMs / dayMs) - days) * dayMs;
      const measured = await this.#measured(endpoint, { fromMs, toMs });
      return { endpoint, days: [...(await labelsByDay(this.#options.frames, measured, days))], measuredAt };
    });
  }

  async #measured(endpoint: string, range: Measured['range']): Promise<Measured> {
    const { predictions, labels } = await this.#options.files(endpoint, range);
    return { predictions, labels, range };
  }

  /** Tries the labels by entity of every endpoint; returns how many found their prediction. */
  async matchAll(): Promise<number> {
    let found = 0;
    for (const endpoint of await this.#options.settings.endpointsWaiting())
      found += await this.#options.matching.match(endpoint);
    return found;
  }

  /** Makes labels of signals at every endpoint that has a rule; returns how many were new or other than before. */
  async applyRules(): Promise<number> {
    const { settings, clock, files, frames, labels } = this.#options;
    let made = 0;
    for (const [endpoint, { rule }] of await settings.allSettings()) {
      if (!rule) continue;
      const nowMs = clock.nowMs();
      const entries = await ruleLabels(frames, rule, await files(endpoint, decidedRange(rule, nowMs)), nowMs);
      if (entries.length > 0) await labels.append(endpoint, entries);
      made += entries.length;
    }
    return made;
  }
}

function msOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}
