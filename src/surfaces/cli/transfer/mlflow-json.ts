import type { TransferTag } from '../contract.ts';

/** An object of MLflow's JSON, in which what is unset is left out. */
export type Json = { readonly [key: string]: unknown };

export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
export const object = (value: unknown): Json => (typeof value === 'object' && value ? (value as Json) : {});
export const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
export const nullable = (value: unknown): string | null => (value ? String(value) : null);
export const tagsOf = (value: unknown): TransferTag[] =>
  list(value).map((tag) => ({ key: text(tag.key), value: text(tag.value) }));
/** A number as MLflow writes it: NaN and infinities as text. */
export const number = (value: unknown): number => (value === undefined || value === null ? 0 : Number(value));
/** NaN as 0, as logged models keep it. */
export const finite = (value: unknown): number => (Number.isNaN(number(value)) ? 0 : number(value));

/** The part of a request that asks for the page after a token. */
export const next = (token: string): { readonly page_token?: string } =>
  token === '' ? {} : { page_token: token };
