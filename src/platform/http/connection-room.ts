import { readdir, readFile } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import type { Logger } from '../log/index.ts';
import { Counter, type Registry } from '../metrics/index.ts';

/** The files that a process has open, connections included, and how many it may; null where the system tells neither. */
export type OpenFiles = () => Promise<{ readonly open: number; readonly most: number } | null>;

interface ConnectionRoomOptions {
  /** Open connections to the process (0: as many as there are files for), by the setting of that name; left out: 0. */
  readonly bound?: { readonly connections: number; readonly setting: string };
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly openFiles?: OpenFiles;
}

const lookEveryMs = 5000;
const tellEveryMs = 60_000;
/** Files that connections leave to what else the process does, where the limit has so many. */
const mostReserved = 256;

/**
 * Bounds the open connections to a process, over all its servers: by a setting, and so that files are left for
 * data, models and calls of other servers. At the system's own limit of open files connections would be taken and closed
 * unseen, and requests that came in before would fail because nothing can be read or written for them.
 */
export class ConnectionRoom {
  readonly #options: ConnectionRoomOptions;
  /** By the setting. */
  readonly #bounded: number;
  readonly #servers = new Map<Server, number>();
  readonly #refused: Counter;
  readonly #timer: NodeJS.Timeout;
  #open = 0;
  #most: number;
  /** The limit of open files that is behind `#most`; null: it is the setting. */
  #fileLimit: number | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  private constructor(options: ConnectionRoomOptions) {
    this.#options = options;
    this.#bounded = options.bound?.connections || Number.POSITIVE_INFINITY;
    this.#most = this.#bounded;
    this.#refused = new Counter({
      name: 'millrace_connections_refused_total',
      help: 'Connections that were closed at once, for want of room',
      registers: [options.metrics],
    });
    this.#timer = setInterval(() => void this.#look(), lookEveryMs).unref();
  }

  static async open(options: ConnectionRoomOptions): Promise<ConnectionRoom> {
    const room = new ConnectionRoom(options);
    await room.#look();
    return room;
  }

  /** Has a server take connections only while there is room. */
  guard(server: Server): void {
    this.#servers.set(server, 0);
    this.#bound();
    server.on('connection', (socket: Socket) => {
      this.#count(server, 1);
      socket.once('close', () => this.#count(server, -1));
    });
    server.on('drop', () => {
      this.#refused.inc();
      this.#tell();
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #count(server: Server, change: 1 | -1): void {
    this.#open += change;
    this.#servers.set(server, (this.#servers.get(server) ?? 0) + change);
    this.#bound();
  }

  /** Servers look at their own bound before they take a connection. */
  #bound(): void {
    if (this.#most === Number.POSITIVE_INFINITY) return;
    const left = Math.max(0, this.#most - this.#open);
    for (const [server, own] of this.#servers) server.maxConnections = own + left;
  }

  async #look(): Promise<void> {
    const files = await (this.#options.openFiles ?? openFilesOfProcess)().catch(() => null);
    if (!files) return;
    const reserved = Math.min(mostReserved, Math.floor(files.most / 4));
    const byFiles = Math.max(1, this.#open + files.most - files.open - reserved);
    this.#fileLimit = byFiles < this.#bounded ? files.most : null;
    this.#most = Math.min(this.#bounded, byFiles);
    this.#bound();
  }

  #tell(): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    const { bound, logger } = this.#options;
    const why =
      this.#fileLimit === null
        ? `${bound?.setting} is ${bound?.connections}`
        : `the process may have ${this.#fileLimit} files open; raise that limit (ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker)`;
    logger.warn({ open: this.#open, most: this.#most }, `new connections are closed at once: ${why}`);
  }
}

/** Linux tells it in /proc; elsewhere nobody does. */
async function openFilesOfProcess(): ReturnType<OpenFiles> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  const most = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  return Number.isFinite(most) ? { open: (await readdir('/proc/self/fd')).length, most } : null;
}
