import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { packageQuery } from '../../api/queries.ts';
import { Card, QueryView } from '../../kit/panel.tsx';
import { Snippet } from '../../kit/snippet.tsx';
import { askBody } from './ask-body.ts';

/** How to ask this endpoint from a terminal: the replica's real address and an input that the model accepts. */
export function AskCard(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  const digest = endpoint.arms[0]?.packageDigest;
  const manifest = useQuery({ ...packageQuery(digest ?? ''), enabled: digest !== undefined });
  const told = endpoint.replicas.filter((replica) => replica.url !== null);
  const replica = told.find(({ connected }) => connected) ?? told[0];
  const url = replica?.url ?? `http://${location.hostname}:7601`;
  const command = (body: string): string =>
    [
      `curl ${url}/v2/models/${endpoint.name}/infer \\`,
      "  -H 'content-type: application/json' \\",
      ...(endpoint.options.requireKey ? ["  -H 'authorization: Bearer YOUR_KEY' \\"] : []),
      `  -d '${body.replaceAll("'", String.raw`'\''`)}'`,
    ].join('\n');
  return (
    <Card title="Ask it">
      <div className="flex flex-col gap-3">
        {digest === undefined ? (
          <p className="text-muted">It answers once a first version is deployed.</p>
        ) : (
          // Not before the model's inputs are known: whatever stands here is copied.
          <QueryView query={manifest} rows={4}>
            {(known) => <Snippet text={command(askBody(known))} />}
          </QueryView>
        )}
        <p className="wrap-anywhere text-muted">
          Open Inference Protocol v2. Inputs, outputs and versions:{' '}
          <code>{`${url}/v2/models/${endpoint.name}`}</code>
        </p>
        {digest !== undefined && (
          <a
            href={`${url}/v2/models/${endpoint.name}/docs`}
            target="_blank"
            rel="noreferrer"
            className="text-accent"
          >
            Try it, and the same in Python, curl and TypeScript
          </a>
        )}
        <Link to="/predictions" search={{ endpoint: endpoint.name }} className="text-accent">
          What it answered
        </Link>
      </div>
    </Card>
  );
}
