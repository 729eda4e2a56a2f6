/** Queries of the registry beyond single models and versions: history, protections, comparison, lineage. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { VersionComparison } from '../../../src/lifecycle/registry/contract/compare.ts';
import type { AliasProtection, HistoryEntry } from '../../../src/lifecycle/registry/contract/history.ts';
import type { Lineage } from '../../../src/lifecycle/registry/contract/lineage.ts';
import type { RegisteredModel } from '../../../src/lifecycle/registry/contract.ts';
import type {
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
} from '../../../src/lifecycle/registry/webhooks/contract.ts';
import { get, type Page } from './client.ts';
import { nameFilter } from './name-filter.ts';

const modelPath = (name: string): string => `/registered-models/${encodeURIComponent(name)}`;

/** Models by a part of their names. */
export const foundModelsQuery = (query: string) =>
  queryOptions({
    queryKey: ['registry', 'list', 'found', query] as const,
    queryFn: ({ signal }) =>
      get<Page<RegisteredModel>>(
        '/registered-models',
        {
          limit: 200,
          ...(query ? { filter: nameFilter(query) } : {}),
        },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

export const historyQuery = (
  name: string,
  query: { readonly version?: number; readonly limit?: number } = {},
) =>
  queryOptions({
    queryKey: ['registry', 'history', name, query] as const,
    queryFn: ({ signal }) => get<Page<HistoryEntry>>(`${modelPath(name)}/history`, query, signal),
  });

export const protectionsQuery = (model: string) =>
  queryOptions({
    queryKey: ['registry', 'protections', model] as const,
    queryFn: ({ signal }) =>
      get<{ readonly items: readonly AliasProtection[] }>('/alias-protections', { model }, signal),
  });

export const comparisonQuery = (name: string, from: string, to: string) =>
  queryOptions({
    queryKey: ['registry', 'comparison', name, from, to] as const,
    queryFn: ({ signal }) => get<VersionComparison>(`${modelPath(name)}/compare`, { from, to }, signal),
  });

export const lineageQuery = (name: string, version: number) =>
  queryOptions({
    queryKey: ['registry', 'lineage', name, version] as const,
    queryFn: ({ signal }) => get<Lineage>(`${modelPath(name)}/versions/${version}/lineage`, {}, signal),
  });

export const webhooksQuery = () =>
  queryOptions({
    queryKey: ['webhooks', 'list'] as const,
    queryFn: ({ signal }) => get<Page<Webhook>>('/webhooks', { limit: 1000 }, signal),
  });

export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: ['webhooks', 'one', id] as const,
    queryFn: ({ signal }) => get<Webhook>(`/webhooks/${encodeURIComponent(id)}`, {}, signal),
  });

/** The newest deliveries to a webhook. */
export const deliveriesQuery = (webhook: string) =>
  queryOptions({
    queryKey: ['webhooks', 'deliveries', webhook] as const,
    queryFn: ({ signal }) =>
      get<Page<WebhookDelivery>>('/webhook-deliveries', { webhook, limit: 30 }, signal),
  });

export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ['webhooks', 'delivery', id] as const,
    queryFn: ({ signal }) =>
      get<WebhookDeliveryDetail>(`/webhook-deliveries/${encodeURIComponent(id)}`, {}, signal),
  });
