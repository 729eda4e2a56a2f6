import { fail } from '../../../core/errors.ts';
import { nearestName } from '../../../core/nearest-name.ts';

/** What a column of a long table says. */
type LongRole = 'run' | 'key' | 'step' | 'time' | 'value' | 'experiment' | 'type' | 'config';
export type LongFormat = 'long' | 'wandb' | 'neptune';

/** Names by which each role's column is found, in order, where the caller names none. */
const names: Readonly<Record<LongFormat, Readonly<Record<LongRole, readonly string[]>>>> = {
  long: {
    run: ['run', 'run_id', 'run_name'],
    key: ['key', 'metric', 'name'],
    step: ['step'],
    time: ['time', 'timestamp', 'time_ms'],
    value: ['value'],
    experiment: ['experiment', 'project'],
    type: [],
    config: ['config', 'params'],
  },
  wandb: {
    run: ['run_id', 'run', 'run_name', 'id'],
    key: ['key', 'metric', 'name'],
    step: ['_step', 'step'],
    time: ['_timestamp', 'timestamp', 'time'],
    value: ['value'],
    experiment: ['project', 'experiment'],
    type: [],
    config: ['config'],
  },
  neptune: {
    run: ['run_id', 'run'],
    key: ['attribute_path', 'key'],
    step: ['step'],
    time: ['timestamp', 'time'],
    value: ['float_value', 'value'],
    experiment: ['project_id', 'project', 'experiment'],
    type: ['attribute_type'],
    config: [],
  },
};

const needed: readonly LongRole[] = ['run', 'key', 'value'];
const roles = Object.keys(names.long) as readonly LongRole[];

/** The column of each role that the table has. */
export type LongColumns = Readonly<Partial<Record<LongRole, string>>>;

export function isLongFormat(text: string): text is LongFormat {
  return Object.hasOwn(names, text);
}

/**
 * Finds the columns of a long table.
 *
 * @param given `role=column` as the caller wrote it
 * @throws `long_table_column` for an unknown role or a column that is not there
 */
export function findColumns(
  file: string,
  format: LongFormat,
  present: readonly string[],
  given: readonly string[],
): LongColumns {
  const found: Partial<Record<LongRole, string>> = {};
  for (const role of roles) {
    const name = names[format][role].find((candidate) => present.includes(candidate));
    if (name !== undefined) found[role] = name;
  }
  for (const text of given) {
    const [role = '', column = ''] = text.split(/=(.*)/s, 2);
    if (!roles.includes(role as LongRole)) {
      throw fail('long_table_column', {
        file,
        problem: `--column ${text}: a role is one of ${roles.join(', ')}`,
      });
    }
    if (!present.includes(column)) {
      const nearest = nearestName(column, present);
      const hint = nearest ? `did you mean "${nearest}"?` : `its columns are ${present.join(', ')}`;
      throw fail('long_table_column', { file, problem: `there is no column "${column}"; ${hint}` });
    }
    found[role as LongRole] = column;
  }
  const missing = needed.find((role) => found[role] === undefined);
  if (missing !== undefined) {
    const wanted = names[format][missing].map((name) => `"${name}"`).join(' or ');
    const problem = `no column for ${missing}: it would be called ${wanted}, or name it with --column ${missing}=<column>; its columns are ${present.join(', ')}`;
    throw fail('long_table_column', { file, problem });
  }
  return found;
}
