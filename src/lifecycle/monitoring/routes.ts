import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  type Route,
  readPage,
  toPage,
} from '../../platform/http/index.ts';
import {
  acknowledgeAlertRequestSchema,
  alertSchema,
  alertsQuerySchema,
  monitorReferenceRequestSchema,
  monitorSchema,
  monitorSpecSchema,
  monitorWindowSchema,
  monitorWindowSummarySchema,
  windowsQuerySchema,
} from './contract.ts';
import type { MonitoringService } from './service.ts';

const byId = z.strictObject({ id: z.string() });
const byEndpoint = z.strictObject({ endpoint: z.string() });
const windowKey = z.tuple([z.int(), z.string()]);

export function monitoringRoutes(service: MonitoringService): readonly Route[] {
  return [...monitorRoutes(service), ...windowRoutes(service), ...alertRoutes(service)];
}

function monitorRoutes(service: MonitoringService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/monitors',
      summary: 'Lists how endpoints are watched',
      permission: 'read',
      response: z.object({ items: z.array(monitorSchema) }),
      handle: async (_, { actor }) => ({ items: [...(await service.monitors(actor))] }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/monitors/:endpoint',
      summary: 'How an endpoint is watched, and how far its windows are closed',
      permission: 'read',
      params: byEndpoint,
      response: monitorSchema,
      stateOf: ({ spec, references }) => [spec, references],
      handle: ({ params }, { actor }) => service.monitor(actor, params.endpoint),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/monitors/:endpoint',
      summary: 'Says how an endpoint is watched; what is left out takes its default',
      permission: 'monitoring:write',
      params: byEndpoint,
      body: monitorSpecSchema,
      response: monitorSchema,
      handle: ({ params, body }, { actor }) => service.configure(actor, params.endpoint, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/monitors/:endpoint/references',
      summary: 'Says what a model version’s windows are compared with',
      permission: 'monitoring:write',
      params: byEndpoint,
      body: monitorReferenceRequestSchema,
      response: monitorSchema,
      handle: async ({ params, body }, { actor }) => {
        await service.addReference(actor, params.endpoint, body);
        return service.monitor(actor, params.endpoint);
      },
    }),
  ];
}

function windowRoutes(service: MonitoringService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/windows',
      summary: 'Lists an endpoint’s closed windows, newest first',
      permission: 'read',
      query: windowsQuerySchema,
      response: pageOf(monitorWindowSummarySchema),
      handle: async ({ query: { limit, after, from, to, ...filter } }, { actor }) => {
        const windows = await service.windows(actor, {
          ...filter,
          fromMs: from === undefined ? undefined : Date.parse(from),
          toMs: to === undefined ? undefined : Date.parse(to),
          after: after === undefined ? undefined : decodePageToken(after, windowKey),
          limit: limit + 1,
        });
        return toPage(windows, limit, (window) => [Date.parse(window.start), window.id]);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/windows/:id',
      summary: 'A window with the drift of every column and the calibration',
      permission: 'read',
      params: byId,
      response: monitorWindowSchema,
      handle: ({ params }, { actor }) => service.window(actor, params.id),
    }),
  ];
}

function alertRoutes(service: MonitoringService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/alerts',
      summary: 'Lists alerts, newest first',
      permission: 'read',
      query: alertsQuerySchema,
      response: pageOf(alertSchema),
      handle: ({ query: { limit, after, ...filter } }, { actor }) =>
        readPage(
          { limit, after },
          (page) => service.alerts(actor, { ...filter, ...page }),
          (alert) => alert.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/alerts/:id',
      summary: 'An alert with its evidence and the state of its webhooks',
      permission: 'read',
      params: byId,
      response: alertSchema,
      handle: ({ params }, { actor }) => service.alert(actor, params.id),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/alerts/:id/acknowledge',
      summary: 'Says that somebody has seen an open alert',
      permission: 'monitoring:write',
      params: byId,
      body: acknowledgeAlertRequestSchema,
      response: alertSchema,
      handle: ({ params, body }, { actor }) => service.acknowledge(actor, params.id, body.reason),
    }),
  ];
}
