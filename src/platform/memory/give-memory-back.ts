import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { type Collect, collector } from './collector.ts';
import { memoryUsage } from './memory-usage.ts';

const everyMs = 1000;
/** A process that computes for less than this part of a second is idle: hardly anybody waits for the pause. */
const idleUtilization = 0.1;
/** How much memory must have gathered for a pause (about 50 ms), and how long after the last one. */
const whenIdle = { worthBytes: 8 * 1024 * 1024, pauseEveryMs: 2_500 };
const whenBusy = { worthBytes: 16 * 1024 * 1024, pauseEveryMs: 10_000 };
/** A heap need not double before it is collected: under load that is 60 MB less. A start would be 70 ms slower with it. */
const growthFlag = '--heap-growing-percent=30';

/**
 * V8 keeps the pages of collected objects for the objects to come, and after a load holds on to two or three times
 * what it uses (Node 24; its own memory reducer leaves them resident). Only a collection of last resort returns them to
 * the system. So it collects once when a busy time has ended, and whenever enough of them have gathered.
 * From here on the heap grows in smaller steps. Returns the function that ends the collecting.
 */
export function giveMemoryBack(): () => void {
  setFlagsFromString(growthFlag);
  let collect: Collect | undefined;
  let leastBytes = 0;
  let collectedMs = Number.NEGATIVE_INFINITY;
  let wasBusy = false;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const isIdle = performance.eventLoopUtilization(now, before).utilization < idleUtilization;
    before = now;
    const bytes = unusedBytes();
    if (bytes === null) return;
    leastBytes = Math.min(leastBytes, bytes);
    const { worthBytes, pauseEveryMs } = isIdle ? whenIdle : whenBusy;
    const isWorth = (isIdle && wasBusy) || bytes - leastBytes >= worthBytes;
    wasBusy ||= !isIdle;
    if (!isWorth || performance.now() - collectedMs < pauseEveryMs) return;
    collect ??= collector();
    collect();
    collectedMs = performance.now();
    leastBytes = unusedBytes() ?? bytes;
    wasBusy = !isIdle;
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** What is resident beside live objects: code and native memory, which stay, and pages that wait for objects. */
function unusedBytes(): number | null {
  const usage = memoryUsage();
  return usage && usage.rss - usage.heapUsed - usage.external;
}
