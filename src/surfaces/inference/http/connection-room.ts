import { readdir, readFile } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import type { Logger } from '../../../platform/log/index.ts';
import { Counter, type Registry } from '../../../platform/metrics/index.ts';

/** The files that a process has open, connections included, and how many it may; null where the system tells neither. */
export type OpenFiles = () => Promise<{ readonly open: number; readonly most: number } | null>;

export interface ConnectionRoomOptions {
  /** Open connections to the process; 0: as many as there are files for. */
  readonly connections: number;
  /** What the setting of that name is called, for the log. */
  readonly setting: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly openFiles?: OpenFiles;
}

const lookEveryMs = 5000;
const tellEveryMs = 60_000;
/** Files that connections leave to the log, to models and to calls of other servers, where the limit has so many. */
const mostReserved = 256;

/**
 * Bounds the open connections to a process, over all its servers: by a setting, and so that files are left for the
 * prediction log and the models. At the system's own limit of open files connections would be taken and closed unseen,
 * and requests that came in before would fail because their rows cannot be written.
 */
export class ConnectionRoom {
  readonly #options: ConnectionRoomOptions;
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
    this.#most = options.connections || Number.POSITIVE_INFINITY;
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
    const set = this.#options.connections || Number.POSITIVE_INFINITY;
    this.#fileLimit = byFiles < set ? files.most : null;
    this.#most = Math.min(set, byFiles);
    this.#bound();
  }

  #tell(): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    const { setting, connections, logger } = this.#options;
    const why =
      this.#fileLimit === null
        ? `${setting} is ${connections}`
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
