import { randomBytes } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import { canonicalJson, type Digest, digestOf } from '../../../core/json.ts';
import { remoteSecretSchema } from '../../../core/model-package.ts';
import type { Clock } from '../../../core/time.ts';
import { isWithoutPassword, withoutPassword } from '../../../core/without-password.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { SecretBox } from '../../../platform/secrets/index.ts';
import { insertRemoteSecret, remoteSecrets, sealedRemoteSecret } from './store.ts';

interface RemoteSecretsOptions {
  readonly db: Database;
  readonly secrets: SecretBox;
  readonly clock: Clock;
}

interface Kept {
  readonly digest: Digest;
  readonly url: string;
}

/**
 * Addresses with passwords of servers that compute models. A package names one by its digest, as it names its other
 * parts, and has it with *** for the password; the address itself is kept sealed, and given to who loads packages.
 */
export class RemoteSecrets {
  readonly #options: RemoteSecretsOptions;

  constructor(options: RemoteSecretsOptions) {
    this.#options = options;
  }

  /**
   * The whole address that is meant: one as it is shown stands for the newest that is shown so. Throws `invalid_input`
   * where there is none that can be read.
   */
  async meant(url: string): Promise<string> {
    if (!isWithoutPassword(url)) return url;
    const found = (await this.#kept(this.#options.db.read)).find((kept) => withoutPassword(kept.url) === url);
    if (found) return found.url;
    const problem = `"${url}" has *** for a password, and no package was made with that address. Give the password`;
    throw fail('invalid_input', { field: 'runtime.url', problem });
  }

  /** Keeps an address and tells its digest, the same for the same address; null where it has no password. */
  async keep(url: string): Promise<Digest | null> {
    if (withoutPassword(url) === url) return null;
    const { db, secrets, clock } = this.#options;
    return db.write(async (tx) => {
      const found = (await this.#kept(tx)).find((kept) => kept.url === url);
      if (found) return found.digest;
      // Without what nobody knows a password that is guessed could be checked against the digest.
      const text = canonicalJson({ url, salt: randomBytes(32).toString('base64url') });
      const digest = digestOf(text);
      await insertRemoteSecret(tx, { digest, sealed: secrets.seal(text), created_at_ms: clock.nowMs() });
      return digest;
    });
  }

  /** What has this digest, for replicas and workers; no script may have it. Throws `forbidden`, `blob_missing`. */
  async open(actor: Actor, digest: Digest): Promise<string> {
    authorize(actor, 'serving:write');
    const { db, secrets } = this.#options;
    const sealed = await sealedRemoteSecret(db.read, digest);
    if (sealed === undefined) throw fail('blob_missing', { digest });
    return secrets.open(sealed);
  }

  /** Newest first. */
  async #kept(tx: Tx): Promise<readonly Kept[]> {
    const rows = await remoteSecrets(tx);
    return rows.flatMap(({ digest, sealed }) => {
      const url = this.#urlIn(sealed);
      return url === null ? [] : [{ digest, url }];
    });
  }

  /** Null: it was sealed with another key. */
  #urlIn(sealed: string): string | null {
    try {
      return remoteSecretSchema.parse(JSON.parse(this.#options.secrets.open(sealed))).url;
    } catch {
      return null;
    }
  }
}
