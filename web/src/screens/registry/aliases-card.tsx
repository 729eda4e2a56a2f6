import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { useState } from 'react';
import type { RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { send } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { versionsQuery } from '../../api/queries.ts';
import { protectionsQuery } from '../../api/registry.ts';
import { Button } from '../../kit/button.tsx';
import { byName } from '../../kit/by-name.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { ReasonField, TextField } from '../../kit/fields.tsx';
import { type Identity, IdentitySwatch } from '../../kit/identity.tsx';
import { Card } from '../../kit/panel.tsx';

/** Names that point at versions: who is meant by each, which are protected, and moving them with a reason. */
export function AliasesCard(props: { readonly model: RegisteredModel }) {
  const { model } = props;
  const [asked, setAsked] = useState<{ readonly alias: string; readonly clear: boolean } | null>(null);
  const [protecting, setProtecting] = useState(false);
  const protections = useQuery(protectionsQuery(model.name));
  const rules = protections.data?.items ?? [];
  const ruleOf = (alias: string) => rules.find((rule) => matches(rule.pattern, alias));
  const aliases = Object.entries(model.aliases).toSorted(([a], [b]) => byName(a, b));
  return (
    <Card
      title="Aliases"
      actions={
        <>
          <Button look="quiet" onClick={() => setProtecting(true)}>
            Protect
          </Button>
          <Button
            disabled={model.latestVersion === null}
            onClick={() => setAsked({ alias: '', clear: false })}
          >
            Set an alias
          </Button>
        </>
      }
    >
      {aliases.length === 0 ? (
        <EmptyLine>No alias points at a version.</EmptyLine>
      ) : (
        <ul className="flex flex-col">
          {aliases.map(([alias, version]) => {
            const rule = ruleOf(alias);
            const isIdentity = alias === 'champion' || alias === 'challenger';
            return (
              <li
                key={alias}
                className="flex min-h-9 flex-wrap items-center gap-x-3 border-line border-b last:border-b-0"
              >
                {isIdentity && <IdentitySwatch identity={alias as Identity} />}
                <span className="break-all">{alias}</span>
                {rule && (
                  <span
                    className="inline-flex items-center gap-1 text-label text-muted"
                    data-tip={
                      rule.isBuiltIn
                        ? 'Comes with the product'
                        : `${rule.pattern}, by ${rule.by}: ${rule.reason}`
                    }
                  >
                    <Lock size={11} aria-hidden /> protected
                  </span>
                )}
                <Link
                  to="/models/$model/versions/$version"
                  params={{ model: model.name, version: String(version) }}
                  className="ml-auto font-strong hover:text-accent"
                >
                  v{version}
                </Link>
                {alias === 'champion' ? (
                  <span
                    className="text-label text-muted"
                    data-tip="Promote and Roll back, on the version, move it"
                  >
                    by promotion
                  </span>
                ) : (
                  <span className="inline-flex">
                    <Button look="quiet" onClick={() => setAsked({ alias, clear: false })}>
                      Move
                    </Button>
                    <Button look="quiet" onClick={() => setAsked({ alias, clear: true })}>
                      Take away
                    </Button>
                  </span>
                )}
              </li>
            );
          })}
        </ul>
      )}
      {rules.filter((rule) => !rule.isBuiltIn).length > 0 && (
        <p className="pt-3 text-label text-muted">
          Protected patterns:{' '}
          {rules
            .filter((rule) => !rule.isBuiltIn)
            .map((rule) => rule.pattern)
            .join(', ')}
        </p>
      )}
      {asked && <AliasDialog model={model} {...asked} onClose={() => setAsked(null)} />}
      {protecting && <ProtectDialog model={model.name} onClose={() => setProtecting(false)} />}
    </Card>
  );
}

const matches = (pattern: string, alias: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[^*\w-]/g, '').replaceAll('*', '.*')}$`).test(alias);

function AliasDialog(props: {
  readonly model: RegisteredModel;
  readonly alias: string;
  readonly clear: boolean;
  readonly onClose: () => void;
}) {
  const { model, clear, onClose } = props;
  const [alias, setAlias] = useState(props.alias);
  const [version, setVersion] = useState(String(model.latestVersion ?? 1));
  const [reason, setReason] = useState('');
  const versions = useQuery(versionsQuery(model.name));
  const queries = useQueryClient();
  const path = `/registered-models/${encodeURIComponent(model.name)}/aliases/${encodeURIComponent(alias.trim())}`;
  const act = useMutation({
    mutationFn: () =>
      clear
        ? send<unknown>('DELETE', path, undefined, { reason: reason.trim() })
        : send<unknown>('PUT', path, { version: Number(version), reason: reason.trim() }),
    onSuccess: () => {
      onClose();
      void queries.invalidateQueries({ queryKey: ['registry'] });
    },
  });
  const refusal = refusalAt(act.error, ['alias', 'reason']);
  const before = model.aliases[alias.trim()];
  return (
    <ConfirmDialog
      open
      title={clear ? `Take ${props.alias} away?` : props.alias ? `Move ${props.alias}` : 'Set an alias'}
      verb={clear ? 'Take away' : 'Set'}
      look={clear ? 'danger' : 'primary'}
      busy={act.isPending}
      disabled={alias.trim() === '' || reason.trim() === ''}
      error={refusal.rest}
      onClose={onClose}
      onConfirm={() => act.mutate()}
    >
      {!clear && (
        <>
          {props.alias === '' && (
            <TextField
              label="Alias"
              value={alias}
              onChange={setAlias}
              placeholder="canary"
              problem={refusal.at.alias}
            />
          )}
          <span className="flex flex-col gap-1">
            <span className="text-label">Version</span>
            <Chooser
              label="Version"
              value={version}
              options={(versions.data?.items ?? []).map(
                (each) => [String(each.version), `v${each.version}`] as const,
              )}
              onChange={(next) => setVersion(next ?? version)}
            />
          </span>
        </>
      )}
      {clear
        ? `${props.alias} will point at nothing; what asks for it gets an error.`
        : before === undefined
          ? null
          : `It points at v${before} now. What follows it gets v${version} at once.`}
      <ReasonField
        value={reason}
        onChange={setReason}
        placeholder="For instance: passed the shadow week"
        problem={refusal.at.reason}
      />
    </ConfirmDialog>
  );
}

function ProtectDialog(props: { readonly model: string; readonly onClose: () => void }) {
  const [pattern, setPattern] = useState('');
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: () =>
      send<unknown>('POST', '/alias-protections', {
        model: props.model,
        pattern: pattern.trim(),
        reason: reason.trim(),
      }),
    onSuccess: () => {
      props.onClose();
      void queries.invalidateQueries({ queryKey: ['registry'] });
    },
  });
  const refusal = refusalAt(act.error, ['pattern', 'reason']);
  return (
    <ConfirmDialog
      open
      title="Protect aliases"
      verb="Protect"
      busy={act.isPending}
      disabled={pattern.trim() === '' || reason.trim() === ''}
      error={refusal.rest}
      onClose={props.onClose}
      onConfirm={() => act.mutate()}
    >
      Only who may promote moves a protected alias, or anybody to an approved version.
      <TextField
        label="Alias or pattern"
        value={pattern}
        onChange={setPattern}
        placeholder="prod*"
        problem={refusal.at.pattern}
      />
      <ReasonField
        value={reason}
        onChange={setReason}
        placeholder="For instance: production reads it"
        problem={refusal.at.reason}
      />
    </ConfirmDialog>
  );
}
