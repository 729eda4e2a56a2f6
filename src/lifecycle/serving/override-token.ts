import { createHmac, timingSafeEqual } from 'node:crypto';

/** What a tester's token says. */
export interface Override {
  readonly arm: string;
  readonly expiresAtMs: number;
}

/** `<arm>.<expiry in epoch ms>.<HMAC-SHA-256 in base64url>`: good for one endpoint, whose key signs it. */
export function signOverride(key: string, endpoint: string, { arm, expiresAtMs }: Override): string {
  return `${arm}.${expiresAtMs}.${signature(key, endpoint, `${arm}.${expiresAtMs}`).toString('base64url')}`;
}

/** The arm of a token that this key signed for the endpoint and that has not expired; else null. */
export function readOverride(key: string, endpoint: string, token: string, nowMs: number): string | null {
  const match = /^([a-z][a-z0-9-]*)\.(\d{1,15})\.([A-Za-z0-9_-]{43})$/.exec(token);
  if (!match) return null;
  const [, arm = '', expiry = '', signed = ''] = match;
  const right = signature(key, endpoint, `${arm}.${expiry}`);
  const given = Buffer.from(signed, 'base64url');
  if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
  return Number(expiry) > nowMs ? arm : null;
}

function signature(key: string, endpoint: string, text: string): Buffer {
  return createHmac('sha256', key).update(`${endpoint}:${text}`).digest();
}
