import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShownAddress, meantAddress, shownAddress, withShownAddresses } from './shown-address.ts';

const slack = 'https://hooks.slack.com/services/T0AAAA/B0BBBB/cccc9fXq';

test('an address is shown by its host and its end, and never so much that it can be called', () => {
  for (const [url, shown] of [
    [slack, 'https://hooks.slack.com/***9fXq'],
    ['https://ci.example:8443/in?token=abcdefghijkl', 'https://ci.example:8443/***ijkl'],
    ['https://ann:hunter2@ci.example/', 'https://ci.example/***'],
    ['https://tokenoftheuser@ci.example', 'https://ci.example/***'],
    ['http://ci.example/T0k3n', 'http://ci.example/***'],
    ['https://ci.example/hooks/8f14e45fceea', 'https://ci.example/***ceea'],
    ['https://ci.example/hooks/vbnmqwertyuiopasdfghjklz', 'https://ci.example/***jklz'],
    ['https://ci.example/12345678/events', 'https://ci.example/***ents'],
    ['https://ci.example/events#abcdefgh', 'https://ci.example/***efgh'],
    [`https://ci.example${'/events'.repeat(9)}`, 'https://ci.example/***ents'],
    ['https://ci.example/webhook_with_secret', 'https://ci.example/webhook_with_secret'],
    ['https://ci.example/v1/model-events/2', 'https://ci.example/v1/model-events/2'],
    ['https://ci.example?token=abcdefghijkl', 'https://ci.example/***ijkl'],
    ['https://ci.example/', 'https://ci.example/'],
    ['http://127.0.0.1:80', 'http://127.0.0.1:80'],
    ['http://ann:a/b@ci.example/', '***'],
    ['mailto:ann@ci.example', '***'],
    ['', '***'],
  ] as const) {
    assert.equal(shownAddress(url), shown, url);
    assert.equal(shownAddress(shown), shown, 'shown again it is the same');
  }
});

test('what was shown of a known address means that one', () => {
  const shown = shownAddress(slack);
  assert.ok(isShownAddress(shown) && !isShownAddress(slack) && !isShownAddress('https://ci.example/'));
  assert.equal(meantAddress(shown, ['https://other.example/abcdefghijklmnop', slack]), slack);
  assert.equal(meantAddress('https://new.example/', [slack]), 'https://new.example/');
  assert.equal(meantAddress(shown, ['https://hooks.slack.com/services/another/one']), undefined);
});

test('errors have addresses as they may be shown, and all else as it was', () => {
  const shown = shownAddress(slack);
  for (const [text, expected] of [
    [`webhook ${slack}: answered 503`, `webhook ${shown}: answered 503`],
    [`{"message":"webhook ${slack}: no \\"https\\""}`, `{"message":"webhook ${shown}: no \\"https\\""}`],
    [`the scheme of "${slack}" is not allowed`, `the scheme of "${shown}" is not allowed`],
    [`at ${slack}`, `at ${shown}`],
    ['answered 404 Not Found', 'answered 404 Not Found'],
  ] as const)
    assert.equal(withShownAddresses(text), expected);
});
