/** What `millrace` runs as a server, with what each is. */
export const roles: Readonly<Record<string, string>> = {
  up: 'start control, serve and a local worker here, and keep them running',
  control: 'start control alone: REST and MLflow API, web UI, loop engine, database',
  serve: 'start serve alone: answers predictions, with or without control',
  work: 'start a worker alone: trains, packages and evaluates',
  move: 'take everything from SQLite to Postgres (--to postgres://…) or back (--from postgres://…), control stopped',
};
