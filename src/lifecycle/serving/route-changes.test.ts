import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndpointRoute, endpointRouteSchema } from './contract.ts';
import { declared } from './route-changes.ts';

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
