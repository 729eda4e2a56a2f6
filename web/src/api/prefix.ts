/** What stands in front of every address of the server, as it wrote it into the page; empty for nothing. */
export const pathPrefix: string =
  (typeof document === 'undefined'
    ? null
    : document.querySelector<HTMLMetaElement>('meta[name="millrace-prefix"]')?.content) ?? '';
