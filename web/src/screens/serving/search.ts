import { ENDPOINT_SORTS, type EndpointSort } from '../../kit/endpoints/endpoint-sort.ts';
import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';
import { ENDPOINT_SHOWS, type EndpointShow } from './endpoint-list.ts';
import {
  ROLLOUT_KINDS,
  ROLLOUT_STANDINGS,
  type RolloutKind,
  type RolloutStanding,
} from './rollouts/list/standing.ts';

/**
 * `turn` shows the rollout of an earlier turn of the loop, `rollout` an earlier one of an endpoint without a loop;
 * `metric` and `by` (a feature) say by what a shadow is looked at.
 */
type EndpointSearch = { turn?: string; rollout?: string; metric?: string; by?: string };

export const endpointSearch = (raw: RawSearch): EndpointSearch =>
  compact({
    turn: text(raw.turn),
    rollout: text(raw.rollout),
    metric: text(raw.metric),
    by: text(raw.by),
  });

export type EndpointsSearch = { query?: string; show?: EndpointShow; sort?: EndpointSort };

export const endpointsSearch = (raw: RawSearch): EndpointsSearch =>
  compact({
    query: text(raw.query),
    show: oneOf(raw.show, ENDPOINT_SHOWS),
    sort: oneOf(raw.sort, ENDPOINT_SORTS),
  });

/** `batch` opens the panel of one. */
type BatchesSearch = { batch?: string };

export const batchesSearch = (raw: RawSearch): BatchesSearch => compact({ batch: text(raw.batch) });

export type RolloutsSearch = {
  state?: RolloutStanding | undefined;
  endpoint?: string | undefined;
  model?: string | undefined;
  /** In the name of endpoint, model or loop, or in why it waits or ended. */
  text?: string | undefined;
  kind?: RolloutKind | undefined;
};

export const rolloutsSearch = (raw: RawSearch): RolloutsSearch =>
  compact({
    state: oneOf(raw.state, ROLLOUT_STANDINGS),
    endpoint: text(raw.endpoint),
    model: text(raw.model),
    text: text(raw.text),
    kind: oneOf(raw.kind, ROLLOUT_KINDS),
  });
