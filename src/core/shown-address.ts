/** Shorter ones would be told by their end, or nearly. */
const shortestToldEnd = 16;
/** A path in words and short numbers, as `/models/webhook_2` or `/v1/events`: a token is something that nobody says. */
const plainPath = /^(?:\/(?:[a-z]{1,20}(?:[-_.][a-z]{1,20})*[-_.]?\d{0,3}|\d{0,4}))*$/;
const longestPlainPath = 60;
const masked = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*\/\*\*\*.{0,4}$/i;

/**
 * An address whose path or parameters may be a token, as those of webhooks are, as it may be shown, logged and kept in
 * the open: its scheme, its host and the last four characters, `https://hooks.slack.com/***9fXq`. One whose path is in
 * words is shown whole, as MLflow's clients expect it; one that is no URL not at all.
 */
export function shownAddress(url: string): string {
  if (isShownAddress(url)) return url;
  if (!URL.canParse(url)) return '***';
  const [, scheme = '', user = '', host = '', rest = ''] =
    /^([^/?#]*:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/s.exec(url) ?? [];
  if (scheme === '') return '***';
  if (user === '' && rest.length <= longestPlainPath && plainPath.test(rest)) return url;
  return `${scheme}${host}/***${rest.length < shortestToldEnd ? '' : rest.slice(-4)}`;
}

/** Whether an address is one as `shownAddress` gives it, of which the secret part is not known. */
export function isShownAddress(url: string): boolean {
  return masked.test(url);
}

/**
 * The address that is meant: what was shown of one that is known stands for that one, so that what was read can be
 * sent back as it was; everything else stands for itself. Undefined for what was shown of an address that is not known.
 */
export function meantAddress(given: string, known: readonly string[]): string | undefined {
  return isShownAddress(given) ? known.find((url) => shownAddress(url) === given) : given;
}

/** A text, such as an error, with the addresses in it as they may be shown. */
export function withShownAddresses(text: string): string {
  return text.replace(
    /(https?:\/\/[^\s"'\\]+?)(:?(?=[\s"'\\]|$))/g,
    (_, url: string, end: string) => shownAddress(url) + end,
  );
}
