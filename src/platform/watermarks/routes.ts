import { z } from 'zod';
import { parseTime } from '../../core/time.ts';
import { defineRoute, type Route } from '../http/index.ts';
import { watermarkChange, watermarkResource } from './contract.ts';
import type { Watermarks } from './watermarks.ts';

const streamParams = z.object({ stream: z.string() });

export function watermarkRoutes(watermarks: Watermarks): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/watermarks',
      summary: 'Event time of every stream',
      permission: 'read',
      response: z.object({ items: z.array(watermarkResource) }),
      handle: async (_, { actor }) => ({ items: [...(await watermarks.list(actor))] }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/watermarks/:stream',
      summary: 'Event time of one stream',
      permission: 'read',
      params: streamParams,
      response: watermarkResource,
      handle: ({ params }, { actor }) => watermarks.describe(actor, params.stream),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/watermarks/:stream',
      summary: 'Set the mode of a stream, or advance a replay',
      permission: 'feedback:write',
      params: streamParams,
      body: watermarkChange,
      response: watermarkResource,
      async handle({ params, body }, { actor }) {
        const { stream } = params;
        if (body.mode !== undefined || body.allowedDelayMs !== undefined) {
          await watermarks.configure(actor, stream, body);
        }
        if (body.to !== undefined) await watermarks.advance(actor, stream, parseTime(body.to, 'to'));
        return watermarks.describe(actor, stream);
      },
    }),
  ];
}
