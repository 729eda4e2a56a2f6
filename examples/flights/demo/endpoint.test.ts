import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { test } from 'node:test';
import { FlightEndpoint, readAnswer, requestBody } from './endpoint.ts';
import type { Flight } from './flights.ts';

const flights: readonly Flight[] = Array.from({ length: 300 }, (_, row) => ({
  id: `F${row}`,
  row,
  departureMs: 981_000_000_000 + row * 60_000,
  hour: row % 24,
  weekday: 1 + (row % 7),
  origin: 'ATL',
  destination: 'BOS',
  distance: 946,
  late: 0,
  arrivalMs: 981_010_000_000,
}));

async function serve(t: { after(fn: () => void): void }, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => void server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return `http://127.0.0.1:${address.port}`;
}

const answer = JSON.stringify({
  model_name: 'flight-delay',
  model_version: '3',
  parameters: { arm: 'champion' },
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [1], data: [0] },
    { name: 'probabilities', datatype: 'FP32', shape: [1, 2], data: [0.75, 0.25] },
  ],
});

test('every flight is asked once for each answer, under its own id, however often the server fails', async (t) => {
  const seen = new Map<string, number>();
  let requests = 0;
  const url = await serve(t, (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      requests++;
      if (requests % 7 === 0) return request.socket.destroy();
      if (requests % 11 === 0) return response.writeHead(503).end('away');
      const { id } = JSON.parse(body);
      seen.set(id, (seen.get(id) ?? 0) + 1);
      response.end(answer);
    });
  });
  const endpoint = new FlightEndpoint(url, 'flight-delay', 8);
  const answered: string[] = [];
  await endpoint.ask(flights, (flight, { score, modelVersion, arm }) => {
    assert.deepEqual({ score, modelVersion, arm }, { score: 0.25, modelVersion: 3, arm: 'champion' });
    answered.push(flight.id);
  });
  endpoint.close();
  assert.equal(new Set(answered).size, flights.length);
  assert.equal(answered.length, flights.length);
  assert.equal(requests, flights.length + endpoint.counts.retried);
  assert.ok([...seen.values()].every((times) => times === 1));
});

test('a refused request stops the demo and says why', async (t) => {
  const url = await serve(t, (_, response) => response.writeHead(400).end('input "hour" is missing'));
  const endpoint = new FlightEndpoint(url, 'flight-delay');
  await assert.rejects(
    endpoint.ask(flights.slice(0, 1), () => {}),
    /flight F0: status 400 .* input "hour" is missing/,
  );
  endpoint.close();
});

test('a request is Open Inference Protocol JSON', () => {
  const flight = flights[5];
  assert.ok(flight);
  const body = JSON.parse(requestBody(flight));
  assert.equal(body.id, 'F5');
  assert.deepEqual(body.parameters, { entity: 'F5', event_time: flight.departureMs });
  assert.deepEqual(
    body.inputs.map((i: { name: string; data: unknown[] }) => [i.name, i.data[0]]),
    [
      ['origin', 'ATL'],
      ['destination', 'BOS'],
      ['weekday', 6],
      ['hour', 5],
      ['distance', 946],
    ],
  );
  assert.throws(() => readAnswer('{"outputs":[]}'), /no probabilities/);
});
