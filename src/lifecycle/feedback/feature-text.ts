/**
 * A feature of a line of the log as text, as DuckDB has it once it is in a file: numbers of a DOUBLE column with a point
 * or an exponent. null: none, or one that the column cannot hold.
 *
 * @param type of its column: VARCHAR, BOOLEAN, BIGINT or DOUBLE
 */
export function featureText(value: unknown, type: string): string | null {
  if (value === null || value === undefined) return null;
  if (type === 'VARCHAR') return typeof value === 'string' ? value : JSON.stringify(value);
  if (type === 'BOOLEAN') return typeof value === 'boolean' ? String(value) : null;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) return null;
  if (type === 'BIGINT') return typeof value === 'string' ? value : String(Math.round(number));
  return doubleText(number);
}

/** Shortest digits that read back as the same number; an exponent below 1e-4 and from 1e16 on, of two digits at least. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [digits = '', power = ''] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
