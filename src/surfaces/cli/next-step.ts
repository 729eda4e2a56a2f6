/** Lists of the REST API that a command shows, with that command. Names of the path are the command's words. */
const commandOfList: readonly (readonly [RegExp, string])[] = [
  [/^registered-models\/([^/]+)\/versions$/, 'models $1'],
  [/^registered-models$/, 'models'],
  [/^endpoints\/([^/]+)\/rollouts$/, 'rollouts $1'],
  [/^endpoints\/([^/]+)\/rollouts\/([^/]+)$/, 'rollout show $1 --id $2'],
  [/^endpoints\/([^/]+)(?:\/route-versions)?$/, 'endpoints'],
  [/^endpoints$/, 'endpoints'],
  [/^endpoint-keys$/, 'keys'],
  [/^replicas$/, 'replicas'],
  [/^loops$/, 'loops'],
  [/^turns\?loop=(.+)$/, 'turns $1'],
  [/^turns\/([^/]+)$/, 'turn $1'],
  [/^turns$/, 'turns'],
  [/^dataset-versions\?dataset=(.+)$/, 'datasets $1'],
  [/^dataset(?:s|-versions)$/, 'datasets'],
  [/^alerts$/, 'alerts'],
  [/^runs$/, 'runs'],
  [/^jobs$/, 'jobs'],
  [/^step-runs$/, 'steps'],
  [/^batch-predictions(?:\/[^/]+)?$/, 'predictions'],
  [/^alias-protections$/, 'models protect'],
];

/** The next step of an error for who sits at a terminal: addresses to read become the commands that show the same. */
export function asCommands(next: string): string {
  return next.replaceAll(
    /(?:with )?GET \/api\/v1\/([^\s,;)]+?)(?=[.,;)]?(?:\s|$))/g,
    (whole, path: string) => {
      for (const [pattern, command] of commandOfList) {
        if (pattern.test(path))
          return `${whole.startsWith('with ') ? 'with ' : ''}"millrace ${path.replace(pattern, command)}"`;
      }
      return whole;
    },
  );
}
