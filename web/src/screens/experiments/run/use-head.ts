import { queryOptions, useQuery } from '@tanstack/react-query';
import { problemOf } from '../../../api/problem.ts';

/** The first bytes of a file; a file that is no longer than `mostBytes` comes whole. */
export const headQuery = (url: string, mostBytes: number) =>
  queryOptions({
    queryKey: ['file-head', url, mostBytes] as const,
    queryFn: async ({ signal }) => {
      const response = await fetch(url, { headers: { range: `bytes=0-${mostBytes - 1}` }, signal });
      if (!response.ok) throw await problemOf(response);
      return new Uint8Array(await response.arrayBuffer());
    },
    staleTime: 60_000,
  });

/** The first bytes as text; a character that was cut at the end is left out. */
export function useHeadText(url: string, mostBytes: number) {
  return useQuery({
    ...headQuery(url, mostBytes),
    select: (bytes) =>
      new TextDecoder('utf-8', { fatal: false })
        .decode(bytes)
        .replace(/\ufffd$/, bytes.length < mostBytes ? '\ufffd' : ''),
  });
}
