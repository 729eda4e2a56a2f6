import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Where systems choose no ports of their own: neither for a listener on port 0 nor for the near end of a connection.
 * Of those they give one away again between the moment in which it is found free and that in which a server has it.
 */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;

/**
 * TCP ports of 127.0.0.1 for servers that are told their port and may be started again on it. They are kept for this
 * process until it ends: no other that asks here gets them, and the system gives them to nobody.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if ((await isKept(port)) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

/** Keeps the number by the UDP port of the same number, which the system gives to one process at a time. */
async function isKept(port: number): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: false });
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
  } catch {
    socket.close();
    return false;
  }
  socket.unref();
  return true;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
