import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../../platform/log/index.ts';
import { routeTableSchema, type WithdrawnArm, withdrawnArmSchema } from '../contract.ts';

const keptRoutesSchema = routeTableSchema.extend({ highestVersion: z.int().min(0).optional() });
/** What routes.json holds: the routes of a replica, and the highest version of a table that it ever worked through. */
type KeptRoutes = z.infer<typeof keptRoutesSchema>;

const routesFile = 'routes.json';
/** Arms that lost their traffic in this replica. */
const withdrawnFile = 'withdrawn.json';

/**
 * What a replica keeps in its directory for a start without control. A file that cannot be read or written is told of in
 * the log, and nothing is thrown. What is written is asked for when its turn comes, so that the newest is what stays.
 */
export class KeptFiles {
  readonly #directory: string;
  readonly #logger: Logger;
  #written: Promise<void> = Promise.resolve();

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#logger = logger;
  }

  /** null: there are none that can be read. */
  routes(): Promise<KeptRoutes | null> {
    return this.#read(routesFile, keptRoutesSchema, 'waiting for control');
  }

  async withdrawn(): Promise<readonly WithdrawnArm[]> {
    const arms = z.array(withdrawnArmSchema);
    return (await this.#read(withdrawnFile, arms, 'arms that had lost their traffic may have it')) ?? [];
  }

  keepRoutes(routes: () => KeptRoutes): Promise<void> {
    return this.#write(routesFile, routes, 'a restart without control serves older routes');
  }

  keepWithdrawn(arms: () => readonly WithdrawnArm[]): Promise<void> {
    const what = 'an arm that lost its traffic has it again after a restart without control';
    return this.#write(withdrawnFile, arms, what);
  }

  /** Resolves when all that was to be kept is on the disk. */
  get written(): Promise<void> {
    return this.#written;
  }

  async #read<S extends z.ZodType>(name: string, schema: S, what: string): Promise<z.output<S> | null> {
    try {
      return schema.parse(JSON.parse(await readFile(join(this.#directory, name), 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#logger.warn({ err: error }, `${name} cannot be read: ${what}`);
      return null;
    }
  }

  /** One after the other, as they write to one draft. */
  #write(name: string, content: () => unknown, what: string): Promise<void> {
    const path = join(this.#directory, name);
    this.#written = this.#written.then(async () => {
      try {
        await writeFile(`${path}.tmp`, JSON.stringify(content()), { flush: true });
        await rename(`${path}.tmp`, path);
      } catch (error) {
        this.#logger.warn({ err: error }, `${name} could not be written: ${what}`);
      }
    });
    return this.#written;
  }
}
