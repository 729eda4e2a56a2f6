import { createHash, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { type Database, type Tx, tables } from '../db/index.ts';
import type { JobStatus, LogLine } from './contract.ts';

export interface JobRow {
  readonly id: string;
  readonly kind: string;
  readonly unique_key: string | null;
  readonly payload: string;
  readonly status: JobStatus;
  readonly attempt: number;
  readonly failures: number;
  readonly max_failures: number;
  /** Attempts that were lost before the one that last made progress. */
  readonly lost_before: number;
  readonly timeout_ms: number;
  readonly available_at_ms: number;
  readonly lease_owner: string | null;
  readonly lease_until_ms: number | null;
  readonly token_digest: string | null;
  readonly cancel_reason: string | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly created_at_ms: number;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number | null;
}

interface JobLogRow {
  readonly seq: number;
  readonly job_id: string;
  readonly attempt: number;
  readonly at_ms: number;
  readonly stream: LogLine['stream'];
  readonly line: string;
}

interface JobTables {
  jobs: JobRow;
  job_logs: JobLogRow;
}

export interface JobFilter {
  readonly kind?: string | undefined;
  readonly status?: JobStatus | undefined;
  /** Jobs older than this id. */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

const tokenPrefix = 'mrj_';

/** A new bearer token of an attempt. Only its digest is stored. */
export function newToken(): string {
  return tokenPrefix + randomBytes(24).toString('base64url');
}

/** Whether a bearer token has the form of ours; others are not looked for in the database. */
export function isJobToken(token: string): boolean {
  return token.startsWith(tokenPrefix);
}

/** How a token is stored: 64 hexadecimal digits of SHA-256. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

const jobs = (tx: Tx) => tables<JobTables>(tx);

/** Inserts a job; with a unique key that exists already, nothing happens. Returns the id that holds the key. */
export async function insertJob(tx: Tx, row: JobRow): Promise<string> {
  const inserted = await jobs(tx)
    .insertInto('jobs')
    .values(row)
    .onConflict((c) => c.column('unique_key').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted) return inserted.id;
  const holder = await jobs(tx)
    .selectFrom('jobs')
    .select('id')
    .where('unique_key', '=', row.unique_key)
    .executeTakeFirstOrThrow();
  return holder.id;
}

interface LeaseRequest {
  readonly kinds: readonly string[];
  readonly owner: string;
  readonly nowMs: number;
  /** No job waits until later than this; one that seems to is of before the clock was put back. */
  readonly latestMs: number;
  readonly leaseUntilMs: number;
  readonly tokenDigest: string;
}

/** Leases the job that has waited longest, if any. Two workers never get the same one. */
export async function leaseNext(db: Database, tx: Tx, request: LeaseRequest): Promise<JobRow | undefined> {
  const lock = db.dialect === 'postgres' ? sql`FOR UPDATE SKIP LOCKED` : sql``;
  const result = await sql<JobRow>`
    UPDATE jobs SET status = 'leased', attempt = attempt + 1, lease_owner = ${request.owner},
      lease_until_ms = ${request.leaseUntilMs}, token_digest = ${request.tokenDigest},
      started_at_ms = COALESCE(started_at_ms, ${request.nowMs})
    WHERE id = (
      SELECT id FROM jobs WHERE status = 'queued'
        AND (available_at_ms <= ${request.nowMs} OR available_at_ms > ${request.latestMs})
        AND kind IN (${sql.join(request.kinds)})
      ORDER BY COALESCE(NULLIF(available_at_ms, 0), created_at_ms), id LIMIT 1 ${lock})
    RETURNING *`.execute(tx);
  return result.rows[0];
}

/** When the next waiting job of these kinds becomes available, or undefined. */
export async function nextAvailableAtMs(tx: Tx, kinds: readonly string[]): Promise<number | undefined> {
  const row = await jobs(tx)
    .selectFrom('jobs')
    .select((e) => e.fn.min('available_at_ms').as('at'))
    .where('status', '=', 'queued')
    .where('kind', 'in', kinds)
    .executeTakeFirst();
  return row?.at ?? undefined;
}

/** Changes a job only while this attempt holds its lease. Returns nothing when it does not. */
export async function updateLeased(
  tx: Tx,
  id: string,
  attempt: number,
  change: Partial<JobRow>,
): Promise<JobRow | undefined> {
  return jobs(tx)
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('attempt', '=', attempt)
    .where('status', '=', 'leased')
    .returningAll()
    .executeTakeFirst();
}

/**
 * Whether a job runs and nobody has asked to stop it. On Postgres it can neither end nor be stopped from here on until
 * the transaction is over; SQLite has one writer anyway.
 */
export async function holdRunning(tx: Tx, id: string): Promise<boolean> {
  const held = await jobs(tx)
    .updateTable('jobs')
    .set((row) => ({ attempt: row.ref('attempt') }))
    .where('id', '=', id)
    .where('status', '=', 'leased')
    .where('cancel_reason', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return held !== undefined;
}

/** Notes that the running attempt of a job has kept something: what was lost before it counts no more. */
export async function noteProgress(tx: Tx, id: string): Promise<void> {
  await jobs(tx)
    .updateTable('jobs')
    .set((row) => ({ lost_before: sql<number>`${row.ref('attempt')} - ${row.ref('failures')} - 1` }))
    .where('id', '=', id)
    .where('status', '=', 'leased')
    .execute();
}

/** Changes a job only while nobody has leased it. Returns nothing when somebody has, or when it has ended. */
export async function updateQueued(tx: Tx, id: string, change: Partial<JobRow>): Promise<JobRow | undefined> {
  return jobs(tx)
    .updateTable('jobs')
    .set(change)
    .where('id', '=', id)
    .where('status', '=', 'queued')
    .returningAll()
    .executeTakeFirst();
}

/** Leased jobs whose lease has run out, or lasts longer than until `latestMs`. */
export async function runOutJobs(tx: Tx, nowMs: number, latestMs: number): Promise<readonly JobRow[]> {
  return leased(tx)
    .where((e) => e.or([e('lease_until_ms', '<', nowMs), e('lease_until_ms', '>', latestMs)]))
    .execute();
}

/** What these workers hold. */
export async function leasedBy(tx: Tx, owners: readonly string[]): Promise<readonly JobRow[]> {
  return owners.length === 0 ? [] : leased(tx).where('lease_owner', 'in', owners).execute();
}

function leased(tx: Tx) {
  return jobs(tx).selectFrom('jobs').selectAll().where('status', '=', 'leased');
}

/** The workers that hold leases, run out or not, each once. */
export async function leaseOwners(tx: Tx): Promise<readonly string[]> {
  const rows = await jobs(tx)
    .selectFrom('jobs')
    .select('lease_owner')
    .distinct()
    .where('status', '=', 'leased')
    .execute();
  return rows.flatMap((row) => (row.lease_owner ? [row.lease_owner] : []));
}

/** Undefined when there is no job of this id. */
export async function findJob(tx: Tx, id: string): Promise<JobRow | undefined> {
  return jobs(tx).selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function putResult(tx: Tx, id: string, result: string): Promise<void> {
  await jobs(tx)
    .updateTable('jobs')
    .set({ result })
    .where('id', '=', id)
    .where('status', '=', 'done')
    .execute();
}

/** Deletes a job and its log. */
export async function deleteJob(tx: Tx, id: string): Promise<void> {
  await jobs(tx).deleteFrom('job_logs').where('job_id', '=', id).execute();
  await jobs(tx).deleteFrom('jobs').where('id', '=', id).execute();
}

/** The job whose running attempt bears a token; undefined once the attempt has lost its lease or ended. */
export async function findJobByToken(tx: Tx, token: string): Promise<JobRow | undefined> {
  return jobs(tx)
    .selectFrom('jobs')
    .selectAll()
    .where('token_digest', '=', tokenDigest(token))
    .where('status', '=', 'leased')
    .executeTakeFirst();
}

/** Newest first. */
export async function listJobs(tx: Tx, filter: JobFilter): Promise<readonly JobRow[]> {
  let query = jobs(tx).selectFrom('jobs').selectAll();
  if (filter.kind) query = query.where('kind', '=', filter.kind);
  if (filter.status) query = query.where('status', '=', filter.status);
  if (filter.afterId) query = query.where('id', '<', filter.afterId);
  return query.orderBy('id', 'desc').limit(filter.limit).execute();
}

/** Jobs by status; a status that no job has is left out. */
export async function countJobs(tx: Tx): Promise<ReadonlyMap<JobStatus, number>> {
  const rows = await jobs(tx)
    .selectFrom('jobs')
    .select((e) => ['status', e.fn.countAll<number>().as('n')] as const)
    .groupBy('status')
    .execute();
  return new Map(rows.map((row) => [row.status, Number(row.n)]));
}

/** Adds lines to a job's log, in their order. */
export async function insertLogs(
  tx: Tx,
  jobId: string,
  attempt: number,
  atMs: number,
  lines: readonly LogLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const rows = lines.map((line) => ({
    job_id: jobId,
    attempt,
    at_ms: atMs,
    stream: line.stream,
    line: line.line,
  }));
  await tables<{ job_logs: Omit<JobLogRow, 'seq'> }>(tx).insertInto('job_logs').values(rows).execute();
}

/** Lines of a job's log after a number, over all attempts, in order. */
export async function logsAfter(
  tx: Tx,
  jobId: string,
  seq: number,
  limit: number,
): Promise<readonly JobLogRow[]> {
  return jobs(tx)
    .selectFrom('job_logs')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();
}
