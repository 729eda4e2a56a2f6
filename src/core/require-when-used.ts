import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * Loads a CommonJS package at the moment when it is used, for packages that most processes never use: each costs
 * start-up time and memory. `T` is the package's type: `requireWhenUsed<typeof import('yaml')>('yaml')`.
 */
export function requireWhenUsed<T>(name: string): T {
  return require(name) as T;
}
