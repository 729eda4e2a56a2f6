import { useQuery } from '@tanstack/react-query';
import { Facts } from '../../../kit/facts.tsx';
import { formatBytes, plural, shortId } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { Id } from '../../../kit/snippet.tsx';
import { TextPreview } from './text-preview.tsx';
import { headQuery } from './use-head.ts';

const MOST_BYTES = 512;
const PER_LINE = 16;

/** A file of unknown kind: text if it reads as text, else its size, digest and first bytes. */
export function BytesPreview(props: {
  readonly url: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly digest: string | null;
}) {
  const { url, name, sizeBytes, digest } = props;
  const head = useQuery(headQuery(url, MOST_BYTES));
  return (
    <QueryView query={head}>
      {(bytes) =>
        isText(bytes) ? (
          <TextPreview url={url} name={name} sizeBytes={sizeBytes} />
        ) : (
          <div className="flex flex-col gap-3">
            <Facts
              facts={[
                ['Size', `${formatBytes(sizeBytes)} (${plural(sizeBytes, 'byte')})`],
                digest !== null && ['Digest', <Id key="d" id={digest} text={shortId(digest)} />],
                knownAs(bytes) !== null && ['Looks like', knownAs(bytes)],
              ]}
            />
            <Scroll
              label={`First bytes of ${name}`}
              className="max-h-[50vh] rounded-control border border-line bg-sunken px-3 py-2"
            >
              <pre className="leading-5">{hexLines(bytes)}</pre>
            </Scroll>
          </div>
        )
      }
    </QueryView>
  );
}

const MAGIC: readonly (readonly [string, string])[] = [
  ['PAR1', 'Parquet'],
  ['PK\u0003\u0004', 'a zip archive (also NumPy .npz, PyTorch, Keras, Office)'],
  ['\u0093NUMPY', 'a NumPy array'],
  ['\u0089HDF', 'HDF5'],
  ['%PDF', 'PDF'],
  ['\u001f\u008b', 'gzip'],
  ['SQLite format 3', 'an SQLite database'],
  ['ARROW1', 'Arrow or Feather'],
];

/** What the first bytes say that the file is; null when they say nothing. */
function knownAs(bytes: Uint8Array): string | null {
  const start = String.fromCharCode(...bytes.slice(0, 16));
  const found = MAGIC.find(([magic]) => start.startsWith(magic))?.[1];
  if (found) return found;
  return bytes[0] === 0x80 && (bytes[1] ?? 9) <= 5
    ? 'a Python pickle: loading it runs code, so load only what you trust'
    : null;
}

function isText(bytes: Uint8Array): boolean {
  const odd = bytes.filter((byte) => byte < 9 || (byte > 13 && byte < 32) || byte === 127);
  if (odd.length > 0) return false;
  const text = new TextDecoder().decode(bytes);
  return !text.slice(0, -3).includes('\ufffd');
}

function hexLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const part = [...bytes.slice(at, at + PER_LINE)];
    const hex = part.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '·')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(PER_LINE * 3 - 1)}  ${text}`);
  }
  return lines.join('\n');
}
