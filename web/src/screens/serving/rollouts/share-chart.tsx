import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import { routeVersionsQuery } from '../../../api/queries.ts';
import { HoverGroup } from '../../../charts/draw/hover.tsx';
import { TrafficChart } from '../../../charts/draw/traffic-chart.tsx';
import { useNow } from '../../../kit/clock.ts';
import { armStroke } from '../../../kit/identity.tsx';
import { shareCourse } from './share-course.ts';

/** Who had how much of the traffic since the rollout began, in wall-clock time. Nothing before its shares moved. */
export function ShareChart(props: { readonly rollout: EndpointRollout }) {
  const { rollout } = props;
  const routes = useQuery(routeVersionsQuery(rollout.endpoint, 1000));
  const now = useNow();
  const course = useMemo(
    () => shareCourse(routes.data?.items ?? [], rollout, now),
    [routes.data, rollout, now],
  );
  const parts = useMemo(() => {
    const versions = new Map(rollout.look?.arms.map((arm) => [arm.arm, arm.version]));
    const arms = new Set(course.flatMap((window) => window.parts.map((part) => part.id)));
    return [...arms].map((arm) => ({
      id: arm,
      label: versions.has(arm) ? `v${versions.get(arm)} ${arm}` : arm,
      colour: armStroke(arm).colour,
    }));
  }, [course, rollout.look]);
  if (course.length < 2) return null;
  return (
    <HoverGroup>
      <TrafficChart title="Shares of the traffic, %" wallClock windows={course} parts={parts} height={150} />
    </HoverGroup>
  );
}
