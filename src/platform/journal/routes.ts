import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import { authorize } from '../access/index.ts';
import { defineRoute, openSse, type Route } from '../http/index.ts';
import { type EventResource, eventResource } from './contract.ts';
import type { Journal, StoredEvent } from './journal.ts';

const batch = 500;

function toResource(event: StoredEvent): EventResource {
  return {
    seq: event.seq,
    type: event.type,
    subject: event.subject,
    data: event.data,
    eventTime: event.eventTimeMs === undefined ? null : formatTime(event.eventTimeMs),
    at: formatTime(event.atMs),
  };
}

/**
 * The feed of events: pages for programs, and server-sent events for whoever asks with
 * `Accept: text/event-stream`. A stream starts behind `after` or the `Last-Event-ID` header, else with what
 * happens from now on.
 */
export function eventRoutes(journal: Journal): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/events',
      summary: 'Events in order; as server-sent events with Accept: text/event-stream',
      permission: 'read',
      query: z.strictObject({
        after: z.coerce.number().int().min(0).optional(),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
        subjectKind: z.string().optional(),
        subjectId: z.string().optional(),
      }),
      response: z.object({ items: z.array(eventResource), next: z.number().int() }),
      async handle({ query }, { actor, request, reply }) {
        authorize(actor, 'read');
        if (!request.headers.accept?.includes('text/event-stream')) {
          const { subjectKind: kind, subjectId: id } = query;
          const subject = kind !== undefined && id !== undefined ? { kind, id } : undefined;
          const items = (await journal.eventsAfter(query.after ?? 0, query.limit, subject)).map(toResource);
          return { items, next: items.at(-1)?.seq ?? query.after ?? 0 };
        }
        const last = Number(request.headers['last-event-id'] ?? Number.NaN);
        let seq = query.after ?? (Number.isInteger(last) ? last : await journal.lastSeq());
        const stream = openSse(reply);
        let isSending = false;
        let again = false;
        const sendNew = async (): Promise<void> => {
          try {
            while (again && !reply.raw.destroyed) {
              again = false;
              const events = await journal.eventsAfter(seq, batch);
              if (events.length === batch) again = true;
              for (const event of events) {
                seq = event.seq;
                await stream.send({ id: String(event.seq), data: toResource(event) });
              }
            }
          } catch {
            reply.raw.destroy();
          } finally {
            isSending = false;
          }
        };
        const wake = (): void => {
          again = true;
          if (isSending) return;
          isSending = true;
          void sendNew();
        };
        const stop = journal.onEvents(wake);
        wake();
        void stream.closed.then(stop);
        return undefined;
      },
    }),
  ];
}
