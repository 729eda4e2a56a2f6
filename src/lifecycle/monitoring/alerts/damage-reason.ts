import type { DamagedLog } from '../contract.ts';

/** What has happened to a segment of the prediction log, and what is to be done. The alert's subject is the whole path. */
export function damageReason(replicaId: string, { file, problem, rowsRead, rowsLost }: DamagedLog): string {
  const read = rowsRead === null ? 'rows that could be read are in the log' : `${rows(rowsRead)} in the log`;
  const lost = rowsLost === null ? 'how many are lost is not known' : `${rows(rowsLost)} not`;
  const name = file.slice(file.lastIndexOf('/') + 1);
  const mended = name.replace(/\.damaged\.(\w+)$/, '-mended.sealed.$1');
  return (
    `replica "${replicaId}" set aside ${name} of its prediction log (${problem ?? 'damaged'}): ${read}, ${lost}. ` +
    `Look after the disk of that machine. Take the file from a backup, name it ${mended} and start the replica ` +
    'again: its rows are taken then, each once. Or delete it, if its rows are not needed'
  );
}

function rows(count: number): string {
  return count === 1 ? '1 row of it is' : `${count} rows of it are`;
}
