type Variables = Readonly<Record<string, string | undefined>>;

/** Who and where one is, and how libraries are found. */
const ofSystem = /^(PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|VIRTUAL_ENV|PYENV_\w+|LD_LIBRARY_PATH)$/;
/** How the network is reached: proxies, certificates of a company's own, where packages come from. */
const ofNetwork =
  /^(([Hh][Tt][Tt][Pp][Ss]?|[Aa][Ll][Ll]|[Nn][Oo])_[Pp][Rr][Oo][Xx][Yy]|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|NETRC|(PIP|UV|HF)_\w+)$/;
const ofComputing = /^(OMP|OPENBLAS|MKL|CUDA|TORCH|MODEL)_\w+$/;

/**
 * What programs that are started for a user's own code (training, models, pip) get of our own environment. Everything
 * else stays here: keys of storage and of the database are none of their business.
 */
export function inheritedVariables(own: Variables): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    const inherits = ofSystem.test(name) || ofNetwork.test(name) || ofComputing.test(name);
    if (inherits && value !== undefined) kept[name] = value;
  }
  return kept;
}

/**
 * The same variables with a host that no proxy is asked for. Programs read the name in small letters, in capitals, or
 * the one and then the other. Variables without a proxy are left as they are.
 */
export function withoutProxyTo(host: string, variables: Readonly<Record<string, string>>) {
  const names = Object.keys(variables).map((name) => name.toLowerCase());
  if (!names.some((name) => /^(https?|all)_proxy$/.test(name))) return { ...variables };
  const given = variables.no_proxy ?? variables.NO_PROXY ?? '';
  const hosts = [...given.split(',').map((part) => part.trim()), host];
  const all = [...new Set(hosts.filter((part) => part !== ''))].join(',');
  return { ...variables, no_proxy: all, NO_PROXY: all };
}
