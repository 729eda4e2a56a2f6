import type { ModelVersion, RegisteredModel } from '../../../../src/lifecycle/registry/contract.ts';
import { Act } from '../../kit/act.tsx';

export function VersionActs(props: {
  readonly version: ModelVersion;
  readonly model: RegisteredModel | undefined;
}) {
  const { version, model } = props;
  const path = `/registered-models/${encodeURIComponent(version.name)}`;
  const champion = model?.aliases.champion;
  if (version.aliases.includes('champion')) {
    return (
      <Act
        verb="Roll back"
        look="danger"
        title={`Roll back ${version.name}`}
        path={`${path}/rollback`}
        effect={
          model?.previousChampion
            ? `All traffic of endpoints that follow the champion returns from v${version.version} to v${model.previousChampion} at once.`
            : 'There is no earlier champion to return to.'
        }
        disabled={model && model.previousChampion === null ? 'There is no earlier champion' : false}
      />
    );
  }
  return (
    <Act
      verb="Promote"
      look="primary"
      title={`Promote v${version.version}`}
      path={`${path}/promote`}
      body={(reason) => ({ version: version.version, reason })}
      effect={
        champion
          ? `v${version.version} takes the place of v${champion}: all traffic of endpoints that follow the champion, without shadow or canary. v${champion} stays one click away.`
          : `v${version.version} becomes the first champion.`
      }
      disabled={
        version.digest === null
          ? 'Not packaged: there is nothing to serve'
          : version.gates.some((gate) => gate.verdict === 'fail')
            ? 'A gate refused this version'
            : false
      }
    />
  );
}
