import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithoutPassword, withoutPassword } from './without-password.ts';

test('no password is left of an address, wherever it stands, and all else is', () => {
  for (const [url, shown] of [
    ['postgres://ann:hunter2@db:5432/x', 'postgres://ann:***@db:5432/x'],
    ['postgres://:hunter2@db/x', 'postgres://:***@db/x'],
    ['postgres://ann:a@b:c@db/x?application_name=a@b', 'postgres://ann:***@db/x?application_name=a@b'],
    ['postgresql+psycopg2://ann:hun/t@er2@db/x', 'postgresql+psycopg2://ann:***@db/x'],
    [
      'postgres://db/x?user=ann&password=hunter2&sslmode=require',
      'postgres://db/x?user=ann&password=***&sslmode=require',
    ],
    ['postgres://db:5432/x?application_name=a@b', 'postgres://db:5432/x?application_name=a@b'],
    ['postgres://ann@db:5432', 'postgres://ann@db:5432'],
    ['sqlite:///data/x.db', 'sqlite:///data/x.db'],
  ] as const) {
    assert.equal(withoutPassword(url), shown);
    assert.equal(withoutPassword(shown), shown, 'shown again it is the same');
    assert.equal(isWithoutPassword(shown), shown !== url);
    assert.equal(isWithoutPassword(url), false);
  }
});
