export type Command = {
  readonly id: string;
  readonly label: string;
  readonly note: string;
  readonly hint?: string;
  readonly run: () => void;
};

/** Commands whose label or note holds every typed word, best first: label start, word start, inside, note. */
export function rankCommands(commands: readonly Command[], text: string): readonly Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands;
  const score = (command: Command): number => {
    const label = command.label.toLowerCase();
    let total = 0;
    for (const word of words) {
      if (label.startsWith(word)) total += 8;
      else if (label.includes(` ${word}`) || label.includes(`-${word}`)) total += 5;
      else if (label.includes(word)) total += 3;
      else if (command.note.toLowerCase().includes(word)) total += 1;
      else return 0;
    }
    return total;
  };
  return commands
    .map((command, order) => ({ command, order, score: score(command) }))
    .filter((each) => each.score > 0)
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map((each) => each.command);
}
