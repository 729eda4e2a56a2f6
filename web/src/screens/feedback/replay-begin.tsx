import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Replay } from '../../../../src/lifecycle/feedback/contract.ts';
import { post } from '../../api/client.ts';
import { makeServable } from '../../api/make-servable.ts';
import { endpointQuery, recentPredictionsQuery, versionsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { DateTimeField, SelectField } from '../../kit/fields.tsx';
import { fromField, spanProblem, toField } from '../../kit/span.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Has another version answer what was asked in a span of time: the one that is filtered for, else the hour before the
 * newest prediction, which may be long ago in event time.
 */
export function BeginReplay(props: {
  readonly endpoint: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly onBegun: (id: string) => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>Replay</Button>
      {open && <ReplayDialog {...props} onClose={() => setOpen(false)} />}
    </>
  );
}

function ReplayDialog(props: Parameters<typeof BeginReplay>[0] & { readonly onClose: () => void }) {
  const { endpoint, onClose } = props;
  const recent = useQuery(recentPredictionsQuery(endpoint)).data?.items;
  // Kept as it was at first: the span does not move on with the traffic.
  const [newestMs, setNewestMs] = useState<number>();
  if (recent && newestMs === undefined)
    setNewestMs(Date.parse(recent[0]?.eventTime ?? new Date().toISOString()));
  // Fields have no seconds, and the minute of the newest one is to be in the span.
  const openEndMs = (newestMs ?? Date.now()) + MINUTE_MS;
  const endMs = props.to === undefined ? openEndMs : Date.parse(props.to);
  const at = (ms: number): string => toField(new Date(ms).toISOString());
  const [edited, setEdited] = useState<{ readonly from?: string; readonly to?: string }>({});
  const from = edited.from ?? (props.from === undefined ? at(endMs - HOUR_MS) : toField(props.from));
  const to = edited.to ?? at(endMs);
  const [version, setVersion] = useState<string>();
  const [progress, setProgress] = useState('');
  const route = useQuery(endpointQuery(endpoint));
  const model = route.data?.model;
  const versions = useQuery({ ...versionsQuery(model ?? ''), enabled: model !== undefined });
  const champion = route.data?.arms.find((arm) => arm.arm === 'champion')?.modelVersion;
  const items = versions.data?.items ?? [];
  const chosen =
    version ?? String((items.find((each) => String(each.version) !== champion) ?? items[0])?.version ?? '');
  const span = spanProblem(from, to);
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: async () => {
      stop.current = new AbortController();
      const reason = `to replay predictions of ${endpoint}`;
      const wanted = { model: model ?? '', version: Number(chosen), endpoint, reason, packageOnly: true };
      await makeServable(wanted, stop.current.signal, setProgress);
      const span = { from: fromField(from), to: fromField(to) };
      return post<Replay>('/replays', { endpoint, ...span, version: Number(chosen) });
    },
    onSuccess: (replay) => {
      void queries.invalidateQueries({ queryKey: ['replays'] });
      onClose();
      props.onBegun(replay.id);
    },
  });
  return (
    <ConfirmDialog
      open
      title={`Replay predictions of ${endpoint}`}
      verb="Replay"
      busy={begin.isPending}
      disabled={chosen === '' || from === '' || to === '' || span !== undefined}
      error={begin.error ?? versions.error}
      onClose={onClose}
      onConfirm={() => begin.mutate()}
    >
      <p>
        Another version answers what was asked in this span of event time. Nobody hears it and nothing is
        logged; the answers are compared with those that were given, and with the truth where it is known.
      </p>
      <div className="grid gap-3 sm:grid-cols-2">
        <DateTimeField
          label="From"
          value={from}
          onChange={(value) => setEdited({ ...edited, from: value })}
          above
        />
        <DateTimeField
          label="Before"
          value={to}
          onChange={(value) => setEdited({ ...edited, to: value })}
          above
          problem={span}
        />
      </div>
      <SelectField
        label="Version"
        value={chosen}
        options={items.map((each) => [
          String(each.version),
          versionText(each.version, each.digest, champion),
        ])}
        onChange={setVersion}
      />
      {begin.isPending && <p role="status">{progress || 'Asking'}</p>}
    </ConfirmDialog>
  );
}

function versionText(version: number, digest: string | null, champion: string | undefined): string {
  if (String(version) === champion) return `v${version} (champion)`;
  return digest === null ? `v${version} (is packaged first)` : `v${version}`;
}
