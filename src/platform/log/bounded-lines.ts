const windowMs = 60_000;

/**
 * Passes on what a program writes up to so many characters a minute, and says where lines are left out: a model that
 * prints what it is asked would fill the disk with it.
 *
 * @param clockMs milliseconds that only grow
 */
export function boundedLines(
  onLine: (line: string) => void,
  mostCharacters = 256_000,
  clockMs: () => number = () => performance.now(),
): (line: string) => void {
  let endsMs = Number.NEGATIVE_INFINITY;
  let left = 0;
  let leftOut = 0;
  return (line) => {
    const nowMs = clockMs();
    if (nowMs >= endsMs) {
      if (leftOut > 0) onLine(`${leftOut} lines were left out of the log`);
      endsMs = nowMs + windowMs;
      left = mostCharacters;
      leftOut = 0;
    }
    if (leftOut === 0 && line.length <= left) {
      left -= line.length;
      onLine(line);
      return;
    }
    if (leftOut === 0)
      onLine(`more than ${mostCharacters} characters in a minute: the rest of it is left out`);
    leftOut++;
  };
}
