import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { fail } from '../../core/errors.ts';

/** Keeps short secrets at rest. */
export interface SecretBox {
  seal(secret: string): string;
  /** Throws `secret_unreadable` when it was sealed with another key or has been changed. */
  open(sealed: string): string;
}

const version = 0x80;
const keyBytes = 32;
const halfBytes = 16;
const headBytes = 9;

/** A new key, in the form in which keys are kept: 32 random bytes, URL-safe base64. */
export function newFernetKey(): string {
  return urlSafe(randomBytes(keyBytes));
}

/**
 * Seals as Fernet does (github.com/fernet/spec: AES-128-CBC, HMAC-SHA256), which is what MLflow's server uses, so
 * keys and sealed secrets are of one kind with it. Throws `config_invalid` naming `field` for what is no key.
 */
export function fernetBox(key: string, field: string, nowMs: () => number = Date.now): SecretBox {
  const bytes = Buffer.from(key, 'base64url');
  if (bytes.length !== keyBytes || !/^[\w+/-]+=*$/.test(key)) {
    throw fail('config_invalid', {
      field,
      problem: 'must be 32 URL-safe base64-encoded bytes (a Fernet key)',
    });
  }
  const [signing, encryption] = [bytes.subarray(0, halfBytes), bytes.subarray(halfBytes)];
  const sign = (content: Buffer): Buffer => createHmac('sha256', signing).update(content).digest();
  return {
    seal(secret) {
      const iv = randomBytes(halfBytes);
      const head = Buffer.alloc(headBytes);
      head.writeUInt8(version);
      head.writeBigUInt64BE(BigInt(Math.floor(nowMs() / 1000)), 1);
      const cipher = createCipheriv('aes-128-cbc', encryption, iv);
      const content = Buffer.concat([head, iv, cipher.update(secret, 'utf8'), cipher.final()]);
      return urlSafe(Buffer.concat([content, sign(content)]));
    },
    open(sealed) {
      const token = Buffer.from(sealed, 'base64url');
      const content = token.subarray(0, -keyBytes);
      const signature = token.subarray(-keyBytes);
      const isWhole = token.length >= headBytes + halfBytes * 2 + keyBytes && token[0] === version;
      if (!isWhole || !timingSafeEqual(sign(content), signature)) throw fail('secret_unreadable', { field });
      const iv = content.subarray(headBytes, headBytes + halfBytes);
      const decipher = createDecipheriv('aes-128-cbc', encryption, iv);
      const text = [decipher.update(content.subarray(headBytes + halfBytes)), decipher.final()];
      return Buffer.concat(text).toString('utf8');
    },
  };
}

/** With padding, as Python's urlsafe_b64encode writes it. */
function urlSafe(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
