import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { ModelVersion } from '../../../../../src/lifecycle/registry/contract.ts';
import type { Endpoint } from '../../../../../src/lifecycle/serving/contract.ts';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import { asProblem } from '../../../api/problem.ts';
import { packageQuery, versionsQuery } from '../../../api/queries.ts';
import { Button } from '../../../kit/button.tsx';
import { Dialog, DialogHead } from '../../../kit/dialog.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { CheckField, ReasonField } from '../../../kit/fields.tsx';
import { ProblemNote, QueryView } from '../../../kit/panel.tsx';
import { Scroll } from '../../../kit/scroll.tsx';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { beginPlan } from './begin-plan.ts';
import { rolloutTitle } from './course-text.ts';
import { firstDraft, missingIn, type PlanDraft, planText } from './plan-draft.ts';
import { PlanForm } from './plan-form.tsx';

/**
 * Opens the plan of a rollout. While one is under way there is no button to it; a plan that was open before stays with
 * what is filled in, and says what holds it up.
 */
export function BeginRollout(props: {
  readonly endpoint: Endpoint;
  /** Whether it is not known yet what is under way. */
  readonly isLoading: boolean;
  readonly underWay: EndpointRollout | undefined;
}) {
  const { endpoint, isLoading, underWay } = props;
  const champion = endpoint.arms.find((arm) => arm.arm === 'champion');
  /** The champion when the plan was opened: the endpoint may be retired meanwhile. */
  const [opened, setOpened] = useState<typeof champion>();
  const hindrance = champion ? isLoading && 'Loading' : 'Deploy a first version before';
  const planned = champion ?? opened;
  const close = (): void => setOpened(undefined);
  return (
    <>
      {!underWay && (
        <span data-tip={hindrance || undefined}>
          <Button look="primary" disabled={hindrance !== false} onClick={() => setOpened(champion)}>
            Begin a rollout
          </Button>
        </span>
      )}
      <Dialog
        open={opened !== undefined}
        onClose={close}
        label={`Begin a rollout of ${endpoint.name}`}
        className="w-[min(760px,calc(100vw-24px))]"
      >
        {planned && (
          <PlanDialog
            endpoint={endpoint}
            champion={planned.modelVersion}
            digest={planned.packageDigest}
            underWay={underWay}
            onClose={close}
          />
        )}
      </Dialog>
    </>
  );
}

function PlanDialog(props: {
  readonly endpoint: Endpoint;
  readonly champion: string;
  readonly digest: string;
  readonly underWay: EndpointRollout | undefined;
  readonly onClose: () => void;
}) {
  const { endpoint, champion, onClose } = props;
  const versions = useQuery(versionsQuery(endpoint.model));
  const manifest = useQuery(packageQuery(props.digest));
  return (
    <>
      <DialogHead title={`Begin a rollout of ${endpoint.name}`} onClose={onClose} />
      <QueryView
        query={versions}
        rows={6}
        isEmpty={(page) => candidates(page.items, champion).length === 0}
        empty={
          <div className="p-4">
            <EmptyLine>
              {endpoint.model} has no version beside v{champion}, which answers already. Register another one
              first.
            </EmptyLine>
          </div>
        }
      >
        {(page) => (
          <PlanBody
            {...props}
            versions={candidates(page.items, champion)}
            features={manifest.data?.signature.inputs.map((field) => field.name) ?? []}
          />
        )}
      </QueryView>
    </>
  );
}

const candidates = (versions: readonly ModelVersion[], champion: string): readonly ModelVersion[] =>
  versions.filter((version) => String(version.version) !== champion);

/** What a person should know of a version before choosing it. */
function versionText(version: ModelVersion): string {
  const notes = [
    ...version.aliases,
    ...(version.gates.some((gate) => gate.verdict === 'fail') ? ['refused by a gate'] : []),
    ...(version.digest === null ? ['is packaged first'] : []),
  ];
  return `v${version.version}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function PlanBody(props: {
  readonly endpoint: Endpoint;
  readonly champion: string;
  readonly versions: readonly ModelVersion[];
  readonly features: readonly string[];
  readonly underWay: EndpointRollout | undefined;
  readonly onClose: () => void;
}) {
  const { endpoint, champion, versions, features, underWay, onClose } = props;
  const first = versions.find((version) => version.aliases.includes('challenger')) ?? versions[0];
  const [draft, setDraft] = useState<PlanDraft>(() => firstDraft(String(first?.version ?? '')));
  const [reason, setReason] = useState('');
  const [again, setAgain] = useState(false);
  const [progress, setProgress] = useState('');
  const stop = useRef<AbortController>(null);
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      const { name, model } = endpoint;
      return beginPlan({
        endpoint: name,
        model,
        draft,
        again,
        reason: reason.trim(),
        signal: stop.current.signal,
        tell: setProgress,
      });
    },
    onSuccess: () => {
      void queries.invalidateQueries();
      onClose();
    },
  });
  // The one that is begun here is told of before its answer is there.
  const isOwn = begin.isPending || begin.isSuccess;
  const hinders = isOwn ? undefined : underWay;
  const missing = hinders ? 'Once the rollout that is under way has ended' : missingIn(draft, reason);
  // However the dialog is left: what has not begun yet does not begin behind its back.
  useEffect(() => () => stop.current?.abort(), []);
  const change = (next: PlanDraft): void => {
    setDraft(next);
    setAgain(false);
    if (begin.isError) begin.reset();
  };
  return (
    <form
      className="flex max-h-[calc(100dvh-120px)] flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        if (missing === null && !begin.isPending) begin.mutate();
      }}
    >
      <Scroll label="The plan" className="flex flex-col gap-5 p-4">
        <PlanForm
          draft={draft}
          onChange={change}
          versions={versions.map((version) => [String(version.version), versionText(version)] as const)}
          features={features}
        />
        <ReasonField
          value={reason}
          onChange={setReason}
          placeholder="For instance: learnt on the newest quarter"
        />
      </Scroll>
      <footer className="flex flex-col gap-3 border-line border-t bg-raised p-4">
        {hinders && (
          <p role="status">
            <StateLabel state="watch">A rollout was begun here meanwhile:</StateLabel> {rolloutTitle(hinders)}
            . What is filled in stays; it can begin once that one has ended.
          </p>
        )}
        {begin.isError ? <ProblemNote error={begin.error} /> : <p>{planText(draft, champion)}</p>}
        {(again || (begin.isError && asProblem(begin.error).code === 'rollout_cooling')) && (
          <CheckField
            label="Begin it all the same, with what was wrong in mind"
            checked={again}
            onChange={setAgain}
          />
        )}
        <div className="flex flex-wrap items-center justify-end gap-2">
          {begin.isPending && (
            <span className="mr-auto text-muted" role="status">
              {progress}
            </span>
          )}
          <Button onClick={onClose}>Leave as it is</Button>
          <span data-tip={missing ?? undefined}>
            <Button type="submit" look="primary" disabled={missing !== null || begin.isPending}>
              Begin
            </Button>
          </span>
        </div>
      </footer>
    </form>
  );
}
