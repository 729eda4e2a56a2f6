const shownLines = 6;
const error = /^\s*error:/i;
/** What pip tells everybody, whatever went wrong. */
const general =
  /^\s*(note:|hint:|\[notice\]|To fix this|\d\. |ERROR: ResolutionImpossible|error: \S+$|[×╰│]|$)/;

/**
 * What pip says of its failure in a few lines, joined by ` / `: the requirement that it was at, what conflicts, the last
 * words of a build, and that an index did not answer. Its last lines alone say "see above" for most of these.
 */
export function pipProblem(lines: readonly string[]): string {
  const at = lines.findIndex((line) => error.test(line));
  if (at < 0) return lines.slice(-shownLines).join(' / ');
  const before = lines.slice(0, at);
  const end = lines.findIndex((line, i) => i > at && line.trim() === '[end of output]');
  const said = lines.slice(at, end < 0 ? undefined : end).filter((line) => !general.test(line));
  // Of a build the end tells what failed, of everything else the beginning.
  const shown = end < 0 ? said.slice(0, shownLines) : said.slice(-shownLines);
  const context = [
    before.findLast((line) => line.startsWith('WARNING: Retrying')),
    end < 0
      ? undefined
      : before.findLast((line) => /^(Collecting|Processing|Building wheel for) /.test(line)),
  ].filter((line) => line !== undefined);
  return [...context, ...shown].map((line) => line.trim()).join(' / ');
}
