import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Boxes, Database, FlaskConical, type LucideIcon, Package, Route as RouteIcon } from 'lucide-react';
import { type ReactNode, useId } from 'react';
import type {
  Lineage,
  LineageKind,
  LineageNode,
} from '../../../../src/lifecycle/registry/contract/lineage.ts';
import type { ModelVersion } from '../../../../src/lifecycle/registry/contract.ts';
import { lineageQuery } from '../../api/registry.ts';
import { formatCount, formatMoment, plural, shortId } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { layoutLineage, NODE_HEIGHT_PX, NODE_WIDTH_PX } from './lineage-layout.ts';

const ICON: Readonly<Record<LineageKind, LucideIcon>> = {
  dataset: Database,
  run: FlaskConical,
  'logged-model': Package,
  'model-version': Boxes,
  endpoint: RouteIcon,
};
const WORD: Readonly<Record<LineageKind, string>> = {
  dataset: 'data',
  run: 'run',
  'logged-model': 'logged model',
  'model-version': 'version',
  endpoint: 'endpoint',
};

/** Where the version comes from and where it went: data, run, model, version, endpoints. */
export function LineageCard(props: { readonly version: ModelVersion }) {
  const lineage = useQuery(lineageQuery(props.version.name, props.version.version));
  return (
    <QueryCard title="Lineage" note="from what it was made, to where it went" query={lineage} rows={3}>
      {(data) => <Drawing lineage={data} />}
    </QueryCard>
  );
}

function Drawing(props: { readonly lineage: Lineage }) {
  const { lineage } = props;
  const drawing = layoutLineage(lineage);
  const arrow = useId();
  return (
    <>
      <LineageList lineage={lineage} />
      <Scroll label="Lineage" className="pb-1 max-sm:hidden print:hidden">
        <div className="relative" style={{ width: drawing.width, height: drawing.height }}>
          <svg
            width={drawing.width}
            height={drawing.height}
            className="absolute inset-0 overflow-visible"
            aria-hidden="true"
          >
            <defs>
              <marker
                id={arrow}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth="7"
                markerHeight="7"
                orient="auto"
              >
                <path d="M0 0.5L7 4L0 7.5" fill="none" stroke="var(--muted)" strokeWidth="1.2" />
              </marker>
            </defs>
            {drawing.edges.map((edge) => (
              <g key={edge.path + edge.label}>
                <path
                  d={edge.path}
                  fill="none"
                  stroke="var(--line-strong)"
                  strokeWidth="1.25"
                  markerEnd={`url(#${arrow})`}
                />
                <text x={edge.x} y={edge.y - 5} textAnchor="middle" className="axis-text">
                  {edge.label}
                </text>
                <text x={edge.x} y={edge.y + 14} textAnchor="middle" className="axis-text">
                  {edge.below}
                </text>
              </g>
            ))}
          </svg>
          <ul>
            {drawing.nodes.map(({ node, x, y }) => (
              <li
                key={node.id}
                className={`absolute flex flex-col justify-center rounded-control border px-2.5 ${node.id === lineage.subject ? 'border-accent bg-accent-quiet' : 'border-line bg-surface'}`}
                style={{ left: x, top: y, width: NODE_WIDTH_PX, height: NODE_HEIGHT_PX }}
              >
                <NodeBody node={node} />
              </li>
            ))}
          </ul>
        </div>
      </Scroll>
      {(drawing.hiddenCount > 0 || lineage.isCut) && (
        <p className="pt-2 text-label text-muted">
          {drawing.hiddenCount > 0 && `${plural(drawing.hiddenCount, 'thing')} more than the drawing holds. `}
          {lineage.isCut && 'There is more than was read.'}
        </p>
      )}
    </>
  );
}

/** The same on a phone and on paper, which the drawing is wider than: from cause to effect, each with where it is from. */
function LineageList(props: { readonly lineage: Lineage }) {
  const { nodes, edges, subject } = props.lineage;
  const titles = new Map(nodes.map((node) => [node.id, node.title]));
  const order = Object.keys(WORD);
  return (
    <ol className="flex flex-col gap-2 sm:hidden print:flex">
      {nodes
        .toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
        .map((node) => (
          <li
            key={node.id}
            className={`rounded-control border px-2.5 py-1.5 ${node.id === subject ? 'border-accent bg-accent-quiet' : 'border-line'}`}
          >
            <NodeBody node={node} />
            {edges
              .filter((edge) => edge.to === node.id)
              .map((edge) => (
                <span key={edge.from + edge.label} className="block truncate text-label text-muted">
                  {edge.label}, from {titles.get(edge.from)}
                </span>
              ))}
          </li>
        ))}
    </ol>
  );
}

function NodeBody(props: { readonly node: LineageNode }) {
  const { node } = props;
  const Icon = ICON[node.kind];
  const facts = [
    ...node.facts.map((fact) => `${fact.name}: ${fact.value}`),
    ...(node.digest ? [`digest: ${shortId(node.digest)}`] : []),
    ...(node.at ? [`${formatMoment(Date.parse(node.at))} UTC`] : []),
  ];
  const [first] = node.facts;
  return (
    <div data-tip={[node.title, ...facts].join('\n')} className="min-w-0">
      <span className="flex items-center gap-1.5 text-label text-muted">
        <Icon size={12} aria-hidden className="shrink-0" />
        {WORD[node.kind]}
      </span>
      <span className="block truncate">{linkOf(node)}</span>
      <span className="block truncate text-faint text-label">
        {first && first.value !== 'None' ? factText(first) : node.digest ? shortId(node.digest) : ''}
      </span>
    </div>
  );
}

/** A number says of what; status words are written small, as everywhere here. */
const factText = ({ name, value }: LineageNode['facts'][number]): string => {
  if (/^\d+$/.test(value)) return `${formatCount(Number(value))} ${name}`;
  return /^[A-Z_]+$/.test(value) ? value.toLowerCase().replaceAll('_', ' ') : value;
};

function linkOf(node: LineageNode): ReactNode {
  const { reference, title } = node;
  const look = 'hover:text-accent';
  if (reference === null) return title;
  if (node.kind === 'run')
    return (
      <Link to="/runs/$runId" params={{ runId: reference }} className={look}>
        {title}
      </Link>
    );
  if (node.kind === 'dataset')
    return (
      <Link to="/datasets" search={{ version: reference }} className={look}>
        {title}
      </Link>
    );
  if (node.kind === 'endpoint')
    return (
      <Link to="/endpoints/$endpoint" params={{ endpoint: reference }} className={look}>
        {title}
      </Link>
    );
  const version = /^(.*)\/(\d+)$/.exec(reference);
  if (node.kind === 'model-version' && version?.[1] && version[2])
    return (
      <Link
        to="/models/$model/versions/$version"
        params={{ model: version[1], version: version[2] }}
        className={look}
      >
        {title}
      </Link>
    );
  return title;
}
