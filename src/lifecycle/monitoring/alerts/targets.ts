import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { isShownAddress, shownAddress } from '../../../core/shown-address.ts';
import type { SecretBox } from '../../../platform/secrets/index.ts';
import type { MonitorSpec } from '../contract.ts';

/** Who is told of alerts: an address, which may carry a token, and what signs the message. */
type Target = MonitorSpec['alerts'][number];

/** A target as it is kept: whole only to who has the key. */
export const keptTargetSchema = z.strictObject({
  /** As it is shown. */
  webhook: z.string(),
  signed: z.boolean(),
  /** The target as JSON, sealed; as it stands in a row of before targets were sealed, until control starts. */
  sealed: z.string(),
});
type KeptTarget = z.infer<typeof keptTargetSchema>;

const targetSchema = z.strictObject({ webhook: z.string(), secret: z.string().optional() });

/** @param seal what is done to the target's JSON */
export function keptTarget({ webhook, secret }: Target, seal: (json: string) => string): KeptTarget {
  const sealed = seal(JSON.stringify({ webhook, secret }));
  return { webhook: shownAddress(webhook), signed: secret !== undefined, sealed };
}

/** Throws `secret_unreadable`. */
export function openTarget(secrets: SecretBox, sealed: string): Target {
  return targetSchema.parse(JSON.parse(secrets.open(sealed)));
}

/** Seals what a migration, which has no key, left open; what is sealed already not again. */
export function sealOpenTarget(secrets: SecretBox, sealed: string): string {
  return sealed.startsWith('{') ? secrets.seal(sealed) : sealed;
}

/**
 * The targets that are meant: an address as it is shown stands for a kept one, with its secret unless another is given.
 * Throws `invalid_input` for what was shown of an address that is not kept, `secret_unreadable`.
 */
export function meantTargets(
  secrets: SecretBox,
  given: readonly Target[],
  kept: readonly KeptTarget[],
): readonly Target[] {
  const left = [...kept];
  return given.map((target, i) => {
    if (!isShownAddress(target.webhook)) return target;
    const place = left.findIndex(({ webhook }) => webhook === target.webhook);
    const [found] = place < 0 ? [] : left.splice(place, 1);
    if (!found) {
      const problem = `"${target.webhook}" is what is shown of an address that is not kept here. Give the whole address`;
      throw fail('invalid_input', { field: `monitor.alerts[${i}].webhook`, problem });
    }
    const { webhook, secret } = openTarget(secrets, found.sealed);
    return { webhook, ...(target.secret === undefined ? { secret } : { secret: target.secret }) };
  });
}

/** Whether targets are what is kept, in the same order. What cannot be opened is something else. */
export function areKept(
  secrets: SecretBox,
  targets: readonly Target[],
  kept: readonly KeptTarget[],
): boolean {
  const text = (all: readonly Target[]) =>
    JSON.stringify(all.map(({ webhook, secret }) => [webhook, secret]));
  try {
    return text(targets) === text(kept.map(({ sealed }) => openTarget(secrets, sealed)));
  } catch {
    return false;
  }
}
