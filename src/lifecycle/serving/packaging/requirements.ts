import { requireWhenUsed } from '../../../core/require-when-used.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import type { LoggedSource } from './build-package.ts';

/**
 * The model's requirements, with MLflow among them, which loads it. Those of further files of the model (`-r`) are in
 * their place; its wheels and constraints (`-c`) stay paths below its folder.
 */
export async function requirementsOf(
  source: Pick<LoggedSource, 'model' | 'files'>,
  { blobs, log }: Pick<StepContext, 'blobs' | 'log'>,
): Promise<string[]> {
  const { model, files } = source;
  const text = async (path: string) => {
    const digest = files.get(path);
    return digest ? (await blobs.bytes(digest)).toString('utf8') : null;
  };
  const linesOf = async (lines: readonly string[], seen: readonly string[]): Promise<string[]> => {
    const kept: string[] = [];
    for (const line of lines) {
      const named = /^(?:(-c|--constraint)|-r|--requirement)[\s=]+(?:\.\/)?(\S+)/.exec(line);
      const [, isConstraint, path = ''] = named ?? [];
      const content = named && !seen.includes(path) ? await text(path) : null;
      if (!named || (isConstraint && content !== null)) kept.push(line);
      else if (content === null) log(`left out of the requirements, as the model has no such file: ${line}`);
      else kept.push(...(await linesOf(requirementLines(content), [...seen, path])));
    }
    return kept;
  };
  const listed = await text('requirements.txt');
  const kept = await linesOf(
    listed === null ? condaRequirements(await text('conda.yaml'), log) : requirementLines(listed),
    ['requirements.txt'],
  );
  // As a requirement, or as a wheel of the model's own.
  if (kept.some((line) => /^(?:\S*\/)?mlflow(?:[-_]skinny)?(?![\w.]|-[a-z])/i.test(line))) return kept;
  return [model.mlflowVersion ? `mlflow==${model.mlflowVersion}` : 'mlflow', ...kept];
}

/** Requirements of a file, each with the lines that continue it. */
function requirementLines(text: string): readonly string[] {
  return text
    .replaceAll(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/\s#.*/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** What conda.yaml has pip install; what conda itself would is told. */
function condaRequirements(yaml: string | null, log: StepContext['log']): readonly string[] {
  if (yaml === null) return [];
  const parsed = requireWhenUsed<typeof import('yaml')>('yaml').parse(yaml) as {
    dependencies?: readonly (string | { pip?: readonly string[] })[];
  } | null;
  const dependencies = parsed?.dependencies ?? [];
  for (const dependency of dependencies) {
    if (typeof dependency === 'string' && !/^(python|pip)\b(?!-)/.test(dependency))
      log(`left out of the requirements, as conda would install it: ${dependency}`);
  }
  const lines = dependencies.flatMap((d) => (typeof d === 'string' ? [] : (d.pip ?? [])));
  return requirementLines(lines.join('\n'));
}
