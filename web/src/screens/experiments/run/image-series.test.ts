import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageSeries } from './image-series.ts';

const file = (path: string) => ({ path, isDirectory: false });

test('images by key and step, of both ways of writing the name, without the small copies', () => {
  const series = imageSeries([
    file('images/pred%step%10%timestamp%1700%ab-1.png'),
    file('images/pred%step%10%timestamp%1700%ab-1%compressed.webp'),
    file('images/pred%step%2%timestamp%1600%ab-2.png'),
    file('images/a#b+step+0+timestamp+5+ab.png'),
    file('images/plain.png'),
    { path: 'images/dir', isDirectory: true },
  ]);
  assert.deepEqual(
    series.map((each) => [each.key, each.frames.map((frame) => frame.step)]),
    [
      ['a/b', [0]],
      ['pred', [2, 10]],
    ],
  );
});
