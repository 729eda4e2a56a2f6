import { posix } from 'node:path';
import { describePlace, isContract, isFrontDoor, isTestDoor, type Place, placeOf } from './places.ts';
import { type Breach, SLICE_EDGES } from './rules.ts';
import { isTest, lineAt, type SourceFile } from './source-tree.ts';

interface Import {
  readonly specifier: string;
  /** Erased when the program runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

const IMPORT =
  /(?:\b(import|export)\s+(type\s)?[^'"`;()]*?\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)(['"])([^'"\n]+)\3/g;

/** Static, dynamic and re-exporting imports, and files named by `new URL('./x.ts', import.meta.url)`. */
function importsOf(text: string): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    specifier: match[4] ?? '',
    typeOnly: match[2] !== undefined,
    line: lineAt(text, match.index + match[0].length),
  }));
}

/** Every import that crosses a wall it may not cross. */
export function importBreaches(files: readonly SourceFile[]): Breach[] {
  const nodeBound = filesBoundToNode(files);
  return files
    .filter((file) => /\.tsx?$/.test(file.path))
    .flatMap((file) => {
      const place = placeOf(file.path);
      if (place === null) return [unknownPlace(file)];
      return importsOf(file.text).flatMap((found) => {
        const target = resolve(file.path, found.specifier);
        const verdict =
          target === null
            ? judgePackage(file, place, found)
            : judge(file, place, found, target, placeOf(target), nodeBound);
        return verdict === null ? [] : [{ file: file.path, line: found.line, ...verdict }];
      });
    });
}

type Verdict = Omit<Breach, 'file' | 'line'> | null;

function resolve(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null;
}

function judgePackage(file: SourceFile, place: Place, found: Import): Verdict {
  if (place.kind === 'outside' || place.kind === 'web' || isTest(file.path)) return null;
  if (!isContract(file.path) || found.specifier === 'zod' || found.specifier.startsWith('zod/')) return null;
  return {
    problem: `imports ${found.specifier}`,
    rule: 'contract.ts is read by the browser too: it imports zod, core and other contracts only.',
    wayOut: 'Move what needs it to service.ts, and leave the schema and the types in contract.ts.',
  };
}

function judge(
  file: SourceFile,
  from: Place,
  found: Import,
  target: string,
  to: Place | null,
  nodeBound: ReadonlySet<string>,
): Verdict {
  const problem = `imports ${target}`;
  if (from.kind === 'outside' || to === null || !/\.tsx?$/.test(target)) return null;
  const testSupport = isTest(file.path) && target.startsWith('test/support/');
  if (testSupport) return null;
  if (isTest(target) && !isTest(file.path)) {
    return {
      problem,
      rule: 'The product imports nothing that is written for tests.',
      wayOut: 'Move the shared part out of the testing file.',
    };
  }
  if (isContract(file.path) && from.kind !== 'web' && !isTest(file.path)) {
    if (to.kind !== 'core' && !isContract(target)) {
      return {
        problem,
        rule: 'contract.ts is read by the browser too: it imports zod, core and other contracts only.',
        wayOut: 'Move what needs it to service.ts, or the shared schema to core.',
      };
    }
  }
  if ((from.kind === 'web' || isContract(file.path)) && nodeBound.has(target) && !found.typeOnly) {
    return {
      problem: `${problem}, which needs Node`,
      rule: 'What the browser loads (web, contracts) uses only core modules free of node: imports.',
      wayOut: 'Import its types only (`import type`), or split the browser-safe part of that module off.',
    };
  }
  if (from.kind === 'web' && isContract(target) && !found.typeOnly && !isTest(file.path)) {
    return {
      problem: `${problem}, which brings its schemas along`,
      rule: 'web takes types of contracts only: their schemas need zod, which the browser is not sent.',
      wayOut: 'Import its types only (`import type`), or move what is run to core.',
    };
  }
  return allowed(file.path, from, target, to) ? null : { problem, ...ruleOf(from, to, target) };
}

function allowed(file: string, from: Place, target: string, to: Place): boolean {
  if (sameHouse(from, to)) return true;
  if (to.kind === 'outside' || to.kind === 'web' || to.kind === 'main') return false;
  switch (from.kind) {
    case 'core':
      return false;
    case 'platform':
      return to.kind === 'core';
    case 'web':
      return to.kind === 'core' || isContract(target);
    case 'main':
      return to.kind === 'core' || to.kind === 'platform' || isFrontDoor(target);
    default:
      break;
  }
  if (to.kind === 'core' || to.kind === 'platform') return true;
  const door = isFrontDoor(target) || (isTest(file) && isTestDoor(target));
  if (!door && !(isContract(file) && isContract(target))) return false;
  if (from.kind === 'slice') {
    if (to.kind !== 'slice') return false;
    const edges: readonly string[] = SLICE_EDGES[from.name as keyof typeof SLICE_EDGES];
    return edges.includes(to.name) || isTest(file);
  }
  return to.kind === 'slice' || (to.kind === 'loop' && from.kind === 'surface');
}

function sameHouse(from: Place, to: Place): boolean {
  return from.kind === to.kind && ('name' in from ? from.name : '') === ('name' in to ? to.name : '');
}

function ruleOf(from: Place, to: Place, target: string): Omit<Breach, 'file' | 'line' | 'problem'> {
  const door = `Use ${frontDoorOf(target)}; export there what is missing, as a contract type or a service method.`;
  switch (from.kind) {
    case 'core':
      return {
        rule: 'core imports nothing of ours.',
        wayOut: 'Pass the value in as an argument, or move this file to platform or to a slice.',
      };
    case 'platform':
      return {
        rule: 'platform imports core only.',
        wayOut: 'Let the platform own an interface that the slice implements, wired together in src/main.ts.',
      };
    case 'web':
      return {
        rule: 'web imports contracts (contract.ts) and core only; it reaches the server by REST.',
        wayOut: "Move the type to the slice's contract.ts, or ask for the value with a request.",
      };
    case 'main':
      return { rule: 'main builds slices, loop and surfaces through their index.ts.', wayOut: door };
    case 'slice': {
      const edges: readonly string[] = SLICE_EDGES[from.name as keyof typeof SLICE_EDGES];
      if (to.kind === 'slice' && edges.includes(to.name)) {
        return { rule: `A slice enters another by its index.ts only.`, wayOut: door };
      }
      return {
        rule: `${describePlace(from)} imports core, platform, itself and the index.ts of: ${edges.join(', ') || 'none'}.`,
        wayOut:
          'Let the loop (src/loop) connect them, react to an event of its contract, or declare an interface here that main.ts fills. A new edge is a line in test/architecture/rules.ts and a record in docs/decisions.',
      };
    }
    case 'loop':
    case 'surface':
      return {
        rule: `${describePlace(from)} imports core, platform, itself and the slices' index.ts.`,
        wayOut: door,
      };
    default:
      return {
        rule: 'The product imports nothing from tests, benchmarks or scripts.',
        wayOut: 'Move the shared part into src.',
      };
  }
}

function frontDoorOf(target: string): string {
  return `${target
    .split('/')
    .slice(0, target.startsWith('src/loop') ? 2 : 3)
    .join('/')}/index.ts`;
}

function unknownPlace(file: SourceFile): Breach {
  return {
    file: file.path,
    line: 1,
    problem: 'lies in a folder that the plan does not know',
    rule: 'src holds core, platform, lifecycle/<slice>, loop, surfaces/<surface>, compose and main.ts.',
    wayOut: 'Move it to the folder of what it does; a new slice is a line in test/architecture/rules.ts.',
  };
}

/** Core modules that import a node: module, themselves or through others. */
function filesBoundToNode(files: readonly SourceFile[]): ReadonlySet<string> {
  const imports = new Map(
    files
      .filter((file) => file.path.startsWith('src/core/'))
      .map((file) => [file.path, importsOf(file.text).filter((found) => !found.typeOnly)] as const),
  );
  const bound = new Set<string>();
  for (let grew = true; grew; ) {
    grew = false;
    for (const [path, list] of imports) {
      if (bound.has(path)) continue;
      const hit = list.some((found) => {
        const target = resolve(path, found.specifier);
        return target === null ? found.specifier.startsWith('node:') : bound.has(target);
      });
      if (hit) {
        bound.add(path);
        grew = true;
      }
    }
  }
  return bound;
}
