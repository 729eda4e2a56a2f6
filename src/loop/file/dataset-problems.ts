import { nearestName } from '../../core/nearest-name.ts';
import type { DatasetVersion } from '../../lifecycle/data/index.ts';
import type { LoopFile } from '../contract.ts';
import type { FileProblem } from './parse-loop-file.ts';

/** What a loop file says of its data that is not so: columns that are not there, a label with one value only. */
export function datasetProblems(file: LoopFile, version: DatasetVersion): readonly FileProblem[] {
  const { data, evaluate } = file;
  const wanted: readonly { readonly path: readonly PropertyKey[]; readonly column: string }[] = [
    { path: ['data', 'time'], column: data.time },
    { path: ['data', 'entity'], column: data.entity },
    { path: ['data', 'label', 'column'], column: data.label.column },
    ...evaluate.segments.map((column, i) => ({ path: ['evaluate', 'segments', i], column })),
  ];
  const names = version.columns.map((column) => column.name);
  const missing = wanted
    .filter(({ column }) => !names.includes(column))
    .map(({ path, column }) => ({ path, problem: absent(column, names, version) }));
  return [...missing, ...timeProblems(file, version), ...labelProblems(file, version)];
}

function absent(column: string, names: readonly string[], version: DatasetVersion): string {
  const guess = nearestName(column, names);
  const hint = guess ? `did you mean "${guess}"?` : `its columns are ${names.join(', ')}`;
  return `column "${column}" is not in dataset ${version.dataset} version ${version.version}; ${hint}`;
}

function timeProblems({ data }: LoopFile, version: DatasetVersion): readonly FileProblem[] {
  const column = version.columns.find((c) => c.name === data.time);
  if (!column || version.time === data.time) return [];
  const registered = version.time === null ? 'none' : `"${version.time}"`;
  const problem = `dataset ${version.dataset} version ${version.version} was registered with time column ${registered}; register it again with "${data.time}"`;
  return [{ path: ['data', 'time'], problem }];
}

function labelProblems({ data }: LoopFile, version: DatasetVersion): readonly FileProblem[] {
  const profile = version.profile.find((column) => column.name === data.label.column);
  if (!profile || profile.top.length === 0) return [];
  const values = profile.top.map((top) => top.value);
  if (values.includes(data.label.positive) || profile.distinct > values.length) return [];
  const problem = `"${data.label.positive}" is no value of column "${data.label.column}", which holds ${values.join(', ')}`;
  return [{ path: ['data', 'label', 'positive'], problem }];
}
