import type { TransferVersion } from '../contract.ts';

/** Where the files of runs and logged models lay, and where they lie now. */
export class Locations {
  readonly #moves = new Map<string, { readonly from: string; readonly to: string }>();

  add(ownerId: string, from: string, to: string): void {
    this.#moves.set(ownerId, { from: plain(from), to });
  }

  /** Whether a version was made from a run or logged model that was brought along. */
  knows(version: TransferVersion): boolean {
    return this.#owners(version).some((id) => this.#moves.has(id));
  }

  /** A version with its source and storage where the files of its run or logged model lie now. */
  moved(version: TransferVersion): TransferVersion {
    const { source, storageLocation } = version;
    if (version.deleted) return version;
    const here = (uri: string): string => this.#moved(uri, version);
    return { ...version, source: here(source), storageLocation: here(storageLocation) };
  }

  #moved(uri: string, version: TransferVersion): string {
    const path = plain(uri);
    for (const id of this.#owners(version)) {
      const move = this.#moves.get(id);
      if (!move || move.from === '') continue;
      if (path === move.from || path.startsWith(`${move.from}/`))
        return move.to + path.slice(move.from.length);
    }
    return uri;
  }

  #owners(version: TransferVersion): readonly string[] {
    return [version.modelId, version.runId].filter((id) => id !== null);
  }
}

/** A URI in one of the forms that mean the same place. */
function plain(uri: string): string {
  return uri
    .replace(/^file:(\/\/(localhost)?(?=\/))?/i, '')
    .replace(/^mlflow-artifacts:(\/\/[^/]*)?\/*/i, 'mlflow-artifacts:/')
    .replace(/\/+$/, '');
}
