import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchorPlaces } from './anchor-places.ts';
import { type EndpointRoute, endpointRouteSchema } from './contract.ts';
import { allocateBuckets } from './plane/allocate-buckets.ts';
import {
  challenged,
  declared,
  splitInto,
  stoodBy,
  type Traffic,
  weighted,
  withdrawn,
} from './route-changes.ts';

const asked = { name: 'churn', model: 'churn' };

test('declaring an endpoint again leaves what is left out as it is, while the model stays', () => {
  const first = declared(null, { ...asked, entityFeature: 'customer', eventTimeFeature: 'at' }, 'salt');
  const arm = { arm: 'champion', modelVersion: '1', packageDigest: `sha256:${'0'.repeat(64)}`, weight: 1 };
  const route: EndpointRoute = endpointRouteSchema.parse({
    ...first,
    routeVersion: 7,
    arms: [arm],
    overrideKey: 'k',
  });
  // As deploying a version and applying a loop do it.
  assert.equal(declared(route, asked, 'new'), null);
  const options = { ...route.options, requireKey: true };
  assert.deepEqual(declared(route, { ...asked, options }, 'new'), { ...route, options });
  assert.deepEqual(declared(route, { ...asked, entityFeature: null }, 'new'), {
    ...route,
    entityFeature: null,
  });
  const other = declared(route, { ...asked, model: 'fare' }, 'new');
  assert.deepEqual(
    [other?.model, other?.entityFeature, other?.eventTimeFeature, other?.arms, other?.salt],
    ['fare', null, null, [], 'salt'],
  );
});

test('what becomes of one arm takes nobody out of another', () => {
  const target = (modelVersion: string) =>
    ({ modelVersion, packageDigest: `sha256:${'0'.repeat(64)}` }) as const;
  const champion = { arm: 'champion', ...target('1'), weight: 1 };
  const empty = declared(null, asked, 'salt');
  let route: EndpointRoute = endpointRouteSchema.parse({ ...empty, routeVersion: 1, arms: [champion] });
  const change = (traffic: Traffic | null) => {
    assert.ok(traffic);
    route = endpointRouteSchema.parse({ ...route, ...traffic });
  };
  /** The arm of each bucket by its name. */
  const owners = () => {
    const others = route.arms.filter(({ arm }) => arm !== 'champion');
    const buckets = allocateBuckets(
      others.map(({ weight }) => weight),
      anchorPlaces(route),
    );
    return Array.from(buckets, (owner) => others[owner - 1]?.arm ?? 'champion');
  };
  const arm = (name: string, version: string, weight: number) => ({ arm: name, ...target(version), weight });
  const [a, b, c] = [arm('a', '2', 0.1), arm('b', '3', 0.2), arm('challenger', '4', 0.05)];
  change(splitInto(route, [a, b, c], 'split'));
  const stays = (names: readonly string[], work: () => void) => {
    const [before, salt] = [owners(), route.salt];
    work();
    const after = owners();
    assert.equal(route.salt, salt);
    const moved = before.filter((name, i) => names.includes(name) && after[i] !== name);
    assert.equal(moved.length, 0, `${moved.length} buckets`);
  };
  const all = ['a', 'b', 'challenger'];
  stays(all, () => change(splitInto(route, [c, { ...b, weight: 0.21 }, a], 'other')));
  stays(all, () => change(stoodBy(route, target('9'))));
  stays(['b', 'challenger'], () => change(withdrawn(route, 'a')));
  stays(['b', 'challenger'], () => change(weighted(route, { b: 0.22 })));
  stays(['challenger'], () => change(withdrawn(route, 'b')));
  stays(['challenger'], () => change(challenged(route, target('4'), 0.2, false, 'new')));
  assert.equal(owners().filter((name) => name === 'challenger').length, 2000);
});
