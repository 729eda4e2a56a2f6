/** A model version in a repository, in the words of Triton's repository index. */
export interface RepositoryEntry {
  readonly name: string;
  /** Null when the model has no version that could be looked at. */
  readonly version: string | null;
  readonly state: 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE';
  /** Why it is not ready; empty when it is. */
  readonly reason: string;
}

/** What a load request brings along instead of what lies in the repository. */
export interface LoadOverride {
  /** Model configuration as JSON text; null: the repository's own. */
  readonly config: string | null;
  /** Files by their path inside the model's folder (`1/model.onnx`); they replace the folder for this load. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Models that a server loads and unloads by itself, without control: the repository of a stand-alone server. */
export interface ModelRepository {
  /** All model versions that are there, ready or not. */
  index(): readonly RepositoryEntry[] | Promise<readonly RepositoryEntry[]>;
  /** The configuration that a version is served by, in Triton's JSON form; null when it is not served. */
  config(name: string, version: string | null): Readonly<Record<string, unknown>> | null;
  /** Loads a model, or loads it again, and returns when it answers. Throws `model_load_failed`. */
  load(name: string, override: LoadOverride): Promise<void>;
  /** Takes a model out of service; one that is not loaded, or not there, is let be, as Triton has it. */
  unload(name: string, unloadDependents: boolean): Promise<void>;
}
