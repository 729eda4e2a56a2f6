import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandSpec, UsageError } from './command.ts';
import { commandOf, commands } from './command-table.ts';
import { readParam } from './commands/trigger.ts';
import { parseCommand } from './parse-command.ts';

const spec: CommandSpec = {
  name: 'trigger',
  summary: '',
  positionals: ['<loop>', '[other]'],
  options: {
    reason: { summary: 'why', value: '<text>', required: true },
    param: { summary: '', value: '<name=value>', repeat: true },
    follow: { summary: '' },
  },
  example: 'trigger flight-delay',
  load: async () => async () => 0,
};

const refused = (words: readonly string[], message: RegExp): void => {
  assert.throws(
    () => parseCommand(spec, words),
    (error) => error instanceof UsageError && error.command === spec && message.test(error.message),
  );
};

test('options stand anywhere, with a space or an equals sign, and repeat where they may', () => {
  const args = parseCommand(spec, ['--param', 'a=1', 'late', '--follow', '--param=b=2', '--reason=so']);
  assert.equal(args.at(0), 'late');
  assert.equal(args.at(1), '');
  assert.deepEqual(args.all('param'), ['a=1', 'b=2']);
  assert.equal(args.needed('reason'), 'so');
  assert.ok(args.has('follow'));
  assert.ok(!args.has('json'));
});

test('after -- a word is a word; a value may begin with one dash', () => {
  const args = parseCommand(spec, ['--reason', '-1', '--', '--odd']);
  assert.equal(args.at(0), '--odd');
  assert.equal(args.needed('reason'), '-1');
});

test('what is wrong is named, with what was probably meant', () => {
  refused(['late', '--reasn', 'x'], /--reasn is no option of "trigger"; did you mean --reason\?/);
  refused(['late', '-x', '--reason', 'x'], /-x is no option/);
  refused(['late', '--zzz', '--reason', 'x'], /it takes --reason, --param, --follow, --url, --json, --help/);
  refused(['late', '--reason'], /--reason needs a value: --reason <text>/);
  refused(['late', '--reason', '--follow'], /--reason needs a value/);
  refused(['late', '--reason', 'x', '--reason', 'y'], /--reason is given twice/);
  refused(['late', '--reason', 'x', '--follow=yes'], /--follow is a switch/);
  refused(['--reason', 'x'], /<loop> is missing/);
  refused(['late'], /--reason is missing: why/);
  refused(['late', '--reason', ' '], /--reason is missing/);
  refused(['a', 'b', 'c', '--reason', 'x'], /"c" is one word too many/);
});

test('--help asks for nothing else', () => {
  assert.ok(parseCommand(spec, ['--help']).has('help'));
  assert.ok(parseCommand(spec, ['-h']).has('help'));
});

test('a command of two words is found before one of one word', () => {
  assert.equal(commandOf(['dataset', 'register', 'x'])?.spec.name, 'dataset register');
  assert.deepEqual(commandOf(['loops', '--json'])?.words, ['--json']);
  assert.equal(commandOf(['dataset']), undefined);
});

test('every command has its own name, an example that parses, and code', async () => {
  assert.equal(new Set(commands.map((command) => command.name)).size, commands.length);
  for (const command of commands) {
    const words = (command.example.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
    const found = commandOf(words);
    assert.equal(found?.spec, command, command.example);
    assert.doesNotThrow(() => parseCommand(command, found?.words ?? []), command.example);
    assert.equal(typeof (await command.load()), 'function');
  }
});

test('parameters are numbers, switches or text', () => {
  assert.deepEqual(readParam('C=0.1'), ['C', 0.1]);
  assert.deepEqual(readParam('n=-1e3'), ['n', -1000]);
  assert.deepEqual(readParam('fast=true'), ['fast', true]);
  assert.deepEqual(readParam('solver=lbfgs=x'), ['solver', 'lbfgs=x']);
  assert.deepEqual(readParam('name='), ['name', '']);
  assert.deepEqual(readParam('version=1.2.3'), ['version', '1.2.3']);
  assert.throws(() => readParam('C'), UsageError);
});
