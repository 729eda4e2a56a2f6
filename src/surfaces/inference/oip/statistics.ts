import type { DurationSum, EndpointState, ModelStatistics, Plane } from '../../../lifecycle/serving/index.ts';
import type { Statistics } from '../peers.ts';

const never: DurationSum = { count: 0, ns: 0 };

const { compare: inOrder } = new Intl.Collator('en', { numeric: true });

/**
 * `GET v2/models[/<model>[/versions/<version>]]/stats`: one entry per version of these endpoints, or for the one named.
 * Throws `model_version_unknown`.
 */
export function statistics(
  plane: Plane,
  states: readonly EndpointState[],
  version: string | null,
): Statistics {
  if (version !== null) for (const { route } of states) plane.arm(route.endpoint, version);
  return {
    model_stats: states.flatMap((state) =>
      versionsOf(state)
        .filter((served) => version === null || served === version)
        .map((served) => versionStatistics(plane, state.route.endpoint, served)),
    ),
  };
}

/** The versions that an endpoint serves, in the order of their numbers, as Triton has them. */
export function versionsOf({ arms }: EndpointState): readonly string[] {
  return [...new Set(arms.map((arm) => arm.modelVersion))].sort(inOrder);
}

function versionStatistics(plane: Plane, name: string, version: string) {
  const found: ModelStatistics | null = plane.statistics.of(name, version);
  return {
    name,
    version,
    last_inference: found?.lastInferenceMs ?? 0,
    inference_count: found?.inferenceCount ?? 0,
    execution_count: found?.executionCount ?? 0,
    inference_stats: {
      success: found?.success ?? never,
      fail: found?.fail ?? never,
      queue: found?.queue ?? never,
      compute_input: found?.computeInput ?? never,
      compute_infer: found?.computeInfer ?? never,
      compute_output: found?.computeOutput ?? never,
      cache_hit: found?.cacheHit ?? never,
      cache_miss: found?.cacheMiss ?? never,
    },
    batch_stats: [...(found?.batches ?? [])]
      .sort(([a], [b]) => a - b)
      .map(([batch_size, { computeInput, computeInfer, computeOutput }]) => ({
        batch_size,
        compute_input: computeInput,
        compute_infer: computeInfer,
        compute_output: computeOutput,
      })),
    memory_usage: [],
    response_stats: {},
  };
}
