import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameFilter } from './name-filter.ts';

test('a part of a name is searched as it was typed, whatever its case', () => {
  assert.equal(nameFilter('a_1'), "name MATCHES '[aA]_1'");
  assert.equal(nameFilter("5%'S"), "name MATCHES '5%''[sS]'");
  assert.equal(nameFilter('Éß م'), "name MATCHES '[éÉ]ß م'");
  for (const text of ['.*+?()[]{}|^$\\/-"#~', '🙂 ǆ İ ﬁ', 'Straße (old)']) {
    const [, pattern = ''] = /^name MATCHES '(.*)'$/su.exec(nameFilter(text)) ?? [];
    assert.match(`the ${text} of today`, new RegExp(pattern, 'su'));
    assert.doesNotMatch('the others', new RegExp(pattern, 'su'));
  }
});
