import type { ErrorEntries } from './error-entry.ts';

/** Batch predictions, keys and limits of endpoints, and requests that HTTP itself forbids. */
export const servingOperationsErrors = {
  batch_column_missing: {
    status: 422,
    title: 'Column missing',
    message: '{name} has no column "{column}" ({expected}), which the model needs; it has {known}',
    next: "Add or rename the column and send the file again; names are as in the model's signature, capitals too.",
  },
  batch_input_unreadable: {
    status: 422,
    title: 'Input of a batch cannot be read',
    message: '{name} cannot be read: {problem}',
    next: 'Send a Parquet file, or a CSV file with a header line; name what cannot be seen of it (delimiter, decimal, encoding).',
  },
  batch_unfinished: {
    status: 409,
    title: 'Batch is not finished',
    message: 'batch prediction {id} is {status}',
    next: 'Look at GET /api/v1/batch-predictions/{id} and ask again when it has succeeded.',
  },
  batch_not_stopped: {
    status: 409,
    title: 'Batch was not stopped',
    message: 'batch prediction {id} is {status}; only one that failed or was cancelled can be gone on with',
    next: 'Look at GET /api/v1/batch-predictions/{id}; its output is at GET /api/v1/batch-predictions/{id}/output once it has succeeded.',
  },
  batch_not_running: {
    status: 409,
    title: 'Batch does not run',
    message: 'batch prediction {id} is {status}: it takes no parts any more',
    next: 'Nothing is to be done; a batch that was stopped is gone on with by POST /api/v1/batch-predictions/{id}/resume.',
  },
  batch_under_way: {
    status: 409,
    title: 'Batch or replay is under way',
    message: '{what} {id} is {status} and cannot be deleted yet',
    next: 'Cancel it first with POST {path}/cancel or "millrace predictions cancel {id}", and delete it when it has stopped.',
  },
  batch_rows_gone: {
    status: 422,
    title: 'Rows of a batch or replay are gone',
    message:
      'what {what} {id} read of the log was deleted: an entity in it was erased, or its files were removed',
    next: 'Begin a new one: it reads the log as it is now.',
  },
  batch_output_gone: {
    status: 410,
    title: 'Output of a batch is gone',
    message:
      'the output of batch prediction {id} was deleted: an entity in it was erased, or its file was removed',
    next: 'Begin a new batch, or put the blob {digest} back from a backup where it was not erased on purpose.',
  },
  batch_process_ended: {
    status: 500,
    title: 'Batch process ended',
    message: 'the process that scored the rows ended: {problem}',
    next: 'It is tried again from the last part that was kept. If that goes on, give the worker more memory.',
  },
  key_missing: {
    status: 401,
    title: 'Key missing',
    message: 'endpoint "{endpoint}" asks for a key',
    next: 'Send it as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
  },
  key_refused: {
    status: 401,
    title: 'Key refused',
    message: 'the key is not known, was revoked or has expired',
    next: 'Ask whoever runs the endpoint for a new one (millrace keys create).',
  },
  key_forbidden: {
    status: 403,
    title: 'Key does not allow this',
    message: 'the key does not allow to {action} at endpoint "{endpoint}"',
    next: 'Use a key that was made for this endpoint and action.',
  },
  key_file_unreadable: {
    status: 500,
    title: 'File of keys cannot be used',
    message: 'the file of keys {path} cannot be used: {problem}',
    next: 'Make it with: millrace keys create <name> --file {path} --all --reason <text>',
  },
  key_not_in_file: {
    status: 404,
    title: 'No such key',
    message: 'the file of keys {path} has no key with id "{id}"',
    next: 'See their ids with: millrace keys --file {path}',
  },
  limit_reached: {
    status: 429,
    title: 'Limit reached',
    message: 'endpoint "{endpoint}" takes at most {limit} {what}',
    next: 'Send the request again after {retryAfterSeconds} s, or raise {option} in the options of the endpoint.',
  },
  http_malformed: {
    status: 400,
    title: 'Malformed HTTP',
    message: 'the request is not HTTP that can be read: {problem}',
    next: 'Correct the client; nothing of the request was used.',
  },
  tls_needed: {
    status: 400,
    title: 'TLS needed',
    message: 'this port speaks TLS, and the request came without it',
    next: 'Ask at an address that begins with https:// instead of http://.',
  },
  headers_too_large: {
    status: 431,
    title: 'Headers too large',
    message: 'the headers of the request are larger than {limitBytes} bytes together',
    next: 'Send fewer or shorter headers, or raise --serve-header-limit.',
  },
  request_too_slow: {
    status: 408,
    title: 'Request too slow',
    message: 'the request was not complete in time',
    next: 'Send the whole request at once, or raise --serve-request-timeout.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    message: '"Expect: {expect}" is not done here',
    next: 'Leave the header out, or send "Expect: 100-continue".',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    message: '{method} is not done at {path}',
    next: 'It takes {allowed}.',
  },
  tls_files_unreadable: {
    status: 500,
    title: 'Certificate cannot be used',
    message: 'the certificate {cert} and key {key} cannot be used: {problem}',
    next: 'Give a PEM certificate (chain) and its private key.',
  },
  tls_client_ca_unreadable: {
    status: 500,
    title: 'Certificates of who signs callers’ cannot be used',
    message: 'the file {clientCa} of who signs certificates of callers cannot be used: {problem}',
    next: 'Give a PEM file with a certificate at least, with --serve-tls-client-ca or MILLRACE_SERVE_TLS_CLIENT_CA.',
  },
} as const satisfies ErrorEntries;
