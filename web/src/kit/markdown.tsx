import type { ReactNode } from 'react';
import { type Block, type Inline, parseMarkdown } from './markdown-parse.ts';
import { placed } from './placed.ts';
import { Scroll } from './scroll.tsx';

const HEADING: readonly string[] = [
  'text-page',
  'text-section',
  'text-lead',
  'text-body',
  'text-body',
  'text-body',
];

/**
 * Markdown as elements of our own: nothing in the text can become markup that it does not describe.
 *
 * @param resolve where a relative address of an image or link leads; without it relative images are left out
 */
export function Markdown(props: {
  readonly text: string;
  readonly resolve?: (address: string) => string | null;
}) {
  const resolve = props.resolve ?? (() => null);
  return (
    <div className="flex max-w-3xl flex-col gap-3 break-words">
      {blocksOf(parseMarkdown(props.text), resolve)}
    </div>
  );
}

const HEADING_TAGS = ['h3', 'h4', 'h5', 'h6'] as const;

type Resolve = (address: string) => string | null;

const blocksOf = (blocks: readonly Block[], resolve: Resolve): ReactNode =>
  placed(blocks).map(({ item, place }) => <BlockView key={place} block={item} resolve={resolve} />);

function BlockView(props: { readonly block: Block; readonly resolve: Resolve }) {
  const { block, resolve } = props;
  switch (block.kind) {
    case 'heading': {
      // The page has its own headings above: the first of a text comes below them.
      const Heading = HEADING_TAGS[block.level - 1] ?? 'h6';
      return (
        <Heading className={`font-strong ${HEADING[block.level - 1] ?? 'text-body'}`}>
          {inlinesOf(block.children, resolve)}
        </Heading>
      );
    }
    case 'paragraph':
      return <p>{inlinesOf(block.children, resolve)}</p>;
    case 'code':
      return (
        <Scroll label="Code" className="rounded-control border border-line bg-sunken px-3 py-2">
          <pre className="leading-5">{block.text}</pre>
        </Scroll>
      );
    case 'quote':
      return (
        <blockquote className="flex flex-col gap-2 border-line-strong border-l-2 pl-3 text-muted">
          {blocksOf(block.blocks, resolve)}
        </blockquote>
      );
    case 'rule':
      return <hr className="border-line" />;
    case 'list':
      return <ListView block={block} resolve={resolve} />;
    case 'table':
      return <TableView block={block} resolve={resolve} />;
  }
}

function ListView(props: { readonly block: Extract<Block, { kind: 'list' }>; readonly resolve: Resolve }) {
  const { block, resolve } = props;
  const items = placed(block.items).map(({ item, place }) => (
    <li key={place} className={item.checked === null ? '' : 'list-none'}>
      {item.checked !== null && (
        <span role="img" aria-label={item.checked ? 'done' : 'open'} className="pr-1 text-muted">
          {item.checked ? '☑' : '☐'}
        </span>
      )}
      {placed(item.blocks).map(({ item: each, place: at }) =>
        each.kind === 'paragraph' ? (
          <span key={at}>{inlinesOf(each.children, resolve)}</span>
        ) : (
          <BlockView key={at} block={each} resolve={resolve} />
        ),
      )}
    </li>
  ));
  return block.ordered ? (
    <ol start={block.start} className="list-decimal pl-6">
      {items}
    </ol>
  ) : (
    <ul className="list-disc pl-6">{items}</ul>
  );
}

function TableView(props: { readonly block: Extract<Block, { kind: 'table' }>; readonly resolve: Resolve }) {
  const { block, resolve } = props;
  const look = (column: number): string =>
    `border border-line px-2 py-1 ${{ left: 'text-left', right: 'text-right', center: 'text-center' }[block.align[column] ?? 'left']}`;
  return (
    <Scroll label="Table">
      <table className="border-collapse">
        <thead>
          <tr>
            {placed(block.head).map(({ item: cell, place }) => (
              <th key={place} className={`bg-sunken font-strong ${look(place)}`}>
                {inlinesOf(cell, resolve)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {placed(block.rows).map(({ item: row, place: at }) => (
            <tr key={at}>
              {placed(row).map(({ item: cell, place }) => (
                <td key={place} className={look(place)}>
                  {inlinesOf(cell, resolve)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const inlinesOf = (inlines: readonly Inline[], resolve: Resolve): ReactNode =>
  placed(inlines).map(({ item, place }) => <InlineView key={place} inline={item} resolve={resolve} />);

function InlineView(props: { readonly inline: Inline; readonly resolve: Resolve }): ReactNode {
  const { inline, resolve } = props;
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'code':
      return <code className="rounded-control bg-sunken px-1">{inline.text}</code>;
    case 'break':
      return <br />;
    case 'strong':
      return <strong className="font-strong">{inlinesOf(inline.children, resolve)}</strong>;
    case 'em':
      return <em>{inlinesOf(inline.children, resolve)}</em>;
    case 'strike':
      return <s>{inlinesOf(inline.children, resolve)}</s>;
    case 'link':
      return (
        <a
          href={/^(https?:|mailto:)/i.test(inline.href) ? inline.href : (resolve(inline.href) ?? undefined)}
          target="_blank"
          rel="noreferrer noopener"
          className="text-accent underline"
        >
          {inlinesOf(inline.children, resolve)}
        </a>
      );
    case 'image': {
      // Pictures from elsewhere would tell that host who reads this: they stay links.
      const own = /^https?:/i.test(inline.src) ? null : resolve(inline.src);
      return own ? (
        <img src={own} alt={inline.alt} className="max-h-96 max-w-full" />
      ) : (
        <span className="text-muted">[image: {inline.alt || inline.src}]</span>
      );
    }
  }
}
