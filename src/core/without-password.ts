/**
 * The address of a database or a server as it may be shown, in logs, messages and the audit trail: without the password,
 * before the host or among the parameters. Also of an address that is wrong, such as one whose password holds a slash.
 */
export function withoutPassword(url: string): string {
  return url
    .replace(/(\/\/[^:@/]*):(?!\d+(?:[/?#]|$))(?:[^/?#]*@|.*@)/, '$1:***@')
    .replace(/([?&](?:ssl)?password=)[^&#]*/gi, '$1***');
}

/** Whether an address is one as `withoutPassword` gives it, of which the password is not known. */
export function isWithoutPassword(url: string): boolean {
  return url.includes('***') && withoutPassword(url) === url;
}
